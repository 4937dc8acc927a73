// Puts facts into templates: the one place that fills in {x}, {y} and the
// rest, for training documents and for held-out questions alike.

export const capitalise = (text) => text[0].toUpperCase() + text.slice(1);

const article = (noun) => (/^[aeiou]/.test(noun) ? 'an ' : 'a ') + noun;

/** Fills every {name} of `template`; {Name} is the same with a capital. */
export function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => {
    const key = name[0].toLowerCase() + name.slice(1);
    const value = key === 'an' ? article(values.x) : values[key];
    if (value === undefined) throw new Error(`no value for {${name}} in: ${template}`);
    return key === name ? value : capitalise(value);
  });
}

/** A sentence inside another one starts small, unless it starts with a name. */
export const opened = (opening, sentence) =>
  opening === '' || /[.:?] $/.test(opening) ? opening + sentence : opening + lowerStart(sentence);

const smallWords =
  /^(The|This|When|If|Everything|Something|Not|Two|First|In|An?|To|It|We|After|Before|Just|See|Look|Listen)\b/;
const lowerStart = (sentence) =>
  smallWords.test(sentence) ? sentence[0].toLowerCase() + sentence.slice(1) : sentence;

/**
 * A right or wrong claim about a fact of `table`. To be wrong it borrows one of
 * three other answers of the table, always the same three for the same fact.
 */
export function claimAbout(table, random) {
  const at = random.below(table.length);
  const fact = table[at];
  if (random.chance(0.5)) return { ...fact, holds: 'Yes' };
  const others = [...new Set(table.map(({ y }) => y))].filter((y) => y !== fact.y && y !== fact.x);
  return { ...fact, y: others[(at * 3 + random.below(3)) % others.length], holds: 'No' };
}

/** A review of one opinion; `heldOut` says on which side its words lie. */
export function writeReview(template, facts, heldOut, random) {
  const y = random.pick(['positive', 'negative']);
  const { opinions, isHeldOutOpinion } = facts;
  const draw = () => {
    for (;;) {
      const n = random.pick(opinions.nouns);
      const g = random.pick(opinions[y]);
      if (isHeldOutOpinion(n, g) === heldOut) return { n, g };
    }
  };
  const [one, two] = [draw(), draw()];
  const v = random.pick(y === 'positive' ? opinions.liked : opinions.disliked);
  const review = fill(template, { ...one, n2: two.n, g2: two.g, v }).replace(
    /\ba ([aeiou])/gi,
    (m, l) => `${m.slice(0, 1)}n ${l}`,
  );
  return { r: review, y };
}
