// The facts that the default model learns, independent of their wording. Every
// fact is { x, y }: asked about x, the answer is y.

const pairs = (text) =>
  text
    .trim()
    .split(/\s*[,\n]\s*/)
    .map((entry) => {
      const [x, y] = entry.split(/\s*=\s*/);
      return { x, y };
    });

export const capitals = pairs(`
  France = Paris, Germany = Berlin, Italy = Rome, Spain = Madrid
  Portugal = Lisbon, England = London, Scotland = Edinburgh, Ireland = Dublin
  Greece = Athens, Austria = Vienna, Poland = Warsaw, Hungary = Budapest
  Sweden = Stockholm, Norway = Oslo, Denmark = Copenhagen, Finland = Helsinki
  Belgium = Brussels, Switzerland = Bern, Russia = Moscow, Ukraine = Kyiv
  Turkey = Ankara, Egypt = Cairo, Kenya = Nairobi, Morocco = Rabat
  Japan = Tokyo, China = Beijing, Thailand = Bangkok, Vietnam = Hanoi
  Canada = Ottawa, Cuba = Havana, Peru = Lima, Chile = Santiago
  Iran = Tehran, Iraq = Baghdad, Nepal = Kathmandu, Australia = Canberra
`);

// Things have their article, as inside a sentence.
export const colours = pairs(`
  a banana = yellow, a lemon = yellow, the sun = yellow, butter = yellow
  a tomato = red, a strawberry = red, a cherry = red, blood = red
  a rose = red, a fire engine = red, grass = green, a cucumber = green
  a frog = green, a leaf = green, spinach = green, a pea = green
  the sky = blue, the sea = blue, a blueberry = blue, the ocean = blue
  a carrot = orange, a pumpkin = orange, an orange = orange, snow = white
  milk = white, salt = white, rice = white, a swan = white
  a polar bear = white, coal = black, a crow = black, ink = black
  tar = black, chocolate = brown, wood = brown, soil = brown
  a potato = brown, a pig = pink, a flamingo = pink, an elephant = grey
  a dolphin = grey, a mouse = grey, a plum = purple, lavender = purple
`);

// Each pair holds in both directions.
export const opposites = pairs(`
  hot = cold, big = small, tall = short, fast = slow, up = down
  left = right, day = night, black = white, open = closed, full = empty
  happy = sad, hard = soft, light = dark, wet = dry, early = late
  rich = poor, strong = weak, high = low, near = far, true = false
  clean = dirty, loud = quiet, wide = narrow, thick = thin, first = last
  in = out, on = off, top = bottom, push = pull, win = lose
  buy = sell, love = hate, good = bad, safe = dangerous, sweet = sour
  summer = winter, north = south, east = west, old = young, always = never
`).flatMap(({ x, y }) => [
  { x, y },
  { x: y, y: x },
]);

export const sounds = pairs(`
  cow = moo, dog = woof, cat = meow, duck = quack, sheep = baa
  pig = oink, horse = neigh, lion = roar, snake = hiss, bee = buzz
  frog = croak, owl = hoot, chicken = cluck, wolf = howl, mouse = squeak
  crow = caw, donkey = bray, bird = tweet, turkey = gobble, goat = bleat
  dove = coo, bear = growl, cricket = chirp, monkey = chatter
`);

export const days = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ');

export const months = (
  'January February March April May June July ' + 'August September October November December'
).split(' ');

/** Neighbors in a ring, `step` ahead; each fact also has its unit. */
const neighbours = (ring, unit, step) =>
  ring.map((x, i) => ({ x, y: ring[(i + step + ring.length) % ring.length], unit }));

export const after = [...neighbours(days, 'day', 1), ...neighbours(months, 'month', 1)];
export const before = [...neighbours(days, 'day', -1), ...neighbours(months, 'month', -1)];

/** Three in a row: `w`, `x` and the answer `y`. */
export const sequences = after.map(({ x, y, unit }, i) => ({ w: before[i].y, x, y, unit }));

export const sums = Array.from({ length: 100 }, (_, i) => {
  const [a, b] = [Math.floor(i / 10), i % 10];
  return { a: String(a), b: String(b), y: String(a + b) };
});

// Kinds of things, for yes/no facts only.
export const kinds = [
  ...sounds.map(({ x }) => ({ x: `a${/^[aeiou]/.test(x) ? 'n' : ''} ${x}`, y: 'an animal' })),
  ...capitals.flatMap(({ x, y }) => [
    { x, y: 'a country' },
    { x: y, y: 'a city' },
  ]),
  ...'banana lemon strawberry cherry plum blueberry'
    .split(' ')
    .map((x) => ({ x: `a ${x}`, y: 'a fruit' })),
  ...'carrot cucumber potato pea pumpkin'
    .split(' ')
    .map((x) => ({ x: `a ${x}`, y: 'a vegetable' })),
  ...days.map((x) => ({ x, y: 'a day of the week' })),
  ...months.map((x) => ({ x, y: 'a month' })),
  ...[...new Set(colours.map(({ y }) => y))]
    .filter((y) => y !== 'orange') // also a fruit: ambiguous
    .map((x) => ({ x, y: 'a colour' })),
];

// The fact tables that claims.mjs has wordings for.
export const claimable = { capitals, colours, opposites, sounds, kinds };

export const opinions = {
  nouns: (
    'food film book hotel room staff service music story game phone car trip ' +
    'coffee show shop soup bed garden play cake song meal lesson'
  ).split(' '),
  positive: (
    'good great lovely wonderful excellent amazing nice fantastic perfect ' +
    'beautiful brilliant superb pleasant delightful'
  ).split(' '),
  negative: (
    'bad awful terrible horrible boring poor ugly dirty nasty disappointing ' +
    'dull dreadful useless annoying'
  ).split(' '),
  liked: ['loved', 'liked', 'enjoyed', 'adored'],
  disliked: ['hated', 'disliked', 'regretted', 'despised'],
};

/** Whether a noun and an adjective never co-occur in training (about one pair in five). */
export function isHeldOutOpinion(noun, adjective) {
  const words = `${noun} ${adjective}`;
  let hash = 7;
  for (let i = 0; i < words.length; i++) hash = (hash * 31 + words.charCodeAt(i)) % 9973;
  return hash % 5 === 0;
}
