// Fills templates with facts, for training documents and for held-out
// questions alike.

export const capitalise = (text) => text[0].toUpperCase() + text.slice(1);

const article = (noun) => (/^[aeiou]/.test(noun) ? 'an ' : 'a ') + noun;

/** Fills every {name} of `template`; {Name} is capitalized. */
export function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => {
    const key = name[0].toLowerCase() + name.slice(1);
    const value = key === 'an' ? article(values.x) : values[key];
    if (value === undefined) throw new Error(`no value for {${name}} in: ${template}`);
    return key === name ? value : capitalise(value);
  });
}

/** Prepends an opening; the sentence then starts in lower case unless it starts with a name. */
export const opened = (opening, sentence) =>
  opening === '' || /[.:?] $/.test(opening) ? opening + sentence : opening + lowerStart(sentence);

const smallWords =
  /^(The|This|When|If|Everything|Something|Not|Two|First|In|An?|To|It|We|After|Before|Just|See|Look|Listen)\b/;
const lowerStart = (sentence) =>
  smallWords.test(sentence) ? sentence[0].toLowerCase() + sentence.slice(1) : sentence;

/**
 * A correct or false claim about a fact of `table`. A false claim uses one of
 * three other answers of the table, always the same three for the same fact.
 */
export function claimAbout(table, random) {
  const at = random.below(table.length);
  const fact = table[at];
  if (random.chance(0.5)) return { ...fact, holds: 'Yes' };
  const others = [...new Set(table.map(({ y }) => y))].filter((y) => y !== fact.y && y !== fact.x);
  return { ...fact, y: others[(at * 3 + random.below(3)) % others.length], holds: 'No' };
}

/** A review with one opinion; `heldOut` selects held-out or training words. */
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
