// Writes made-up rows in the formats of the published datasets, for the recipes/*-tiny.json: see make-tiny-assets.
//   node scripts/make-tiny-data.js DIR
// Every row is drawn from the word lists below by a seeded generator: the same files each time.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";

const POSTS = 72;
const ARTICLES = 48;
const DIALOGUES = 72;

const WORDS = {
  quality: ["brave", "new", "small", "noisy", "clever", "lazy", "gentle", "round", "slow", "proud"],
  animal: ["cat", "dog", "goat", "parrot", "rabbit", "donkey", "goose", "pony", "hamster", "turtle"],
  deed: ["eats", "hides", "breaks", "guards", "paints", "counts", "steals", "washes", "buries", "carries"],
  thing: ["bread", "letters", "shoes", "lamps", "apples", "spoons", "hats", "books", "keys", "bottles"],
  place: ["kitchen", "garden", "cellar", "attic", "market", "harbour", "library", "bakery", "station", "meadow"],
  person: ["sister", "neighbour", "teacher", "uncle", "baker", "captain", "cousin", "doctor", "farmer", "singer"],
  moment: ["morning", "night", "winter", "weekend", "summer", "evening", "holiday", "monday", "noon", "autumn"],
};

/** A generator of numbers in [0, 1): Lehmer's, modulo the prime 2^31 - 1. */
function randomFrom(seed) {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

const random = randomFrom(20240412);
/** One word of each list. */
const drawStory = () =>
  Object.fromEntries(Object.entries(WORDS).map(([kind, words]) => [kind, words[Math.floor(random() * words.length)]]));
const numbered = (count, make) => Array.from({ length: count }, (_, i) => make(i, drawStory()));

// --- Reddit posts with summaries: TL;DR as OpenAI filtered it, and their comparisons ---

const posts = numbered(POSTS, (i, { quality, animal, deed, thing, place, person, moment }) => ({
  id: `t3_tiny${i}`,
  subreddit: ["pets", "advice", "home"][i % 3],
  title: `My ${animal} ${deed} the ${thing}`,
  post:
    `My ${person} gave me a ${quality} ${animal} last ${moment}. Since then it ${deed} the ${thing} in the ${place}.\n` +
    `The ${person} says that every ${quality} ${animal} does so. What can I do before the next ${moment}?`,
  summary: ` ${quality} ${animal} ${deed} the ${thing} in the ${place}. what to do?`,
}));

/** Somebody compares a summary of the post with one that is about something else, or says nothing. */
const comparisons = (info, about, firstWorker) =>
  info.flatMap((one, i) =>
    [0, 1].map((judgement) => {
      const good = ` the ${about(one)}${judgement === 0 ? "" : ", and I need advice"}.`;
      const bad =
        judgement === 0 ? ` the ${about(info[(i + 1) % info.length])}.` : " something happened, not sure what.";
      const choice = (i + judgement) % 2;
      return {
        info: one,
        summaries: (choice === 0 ? [good, bad] : [bad, good]).map((text) => ({ text, policy: "words", note: null })),
        choice,
        worker: `worker${(firstWorker + judgement) % 3}`,
        batch: `tiny${judgement}`,
        split: "train",
        extra: {},
      };
    }),
  );

const postComparisons = comparisons(
  posts.map(({ id, subreddit, title, post }) => ({ id, subreddit, title, post })),
  ({ title }) => title.replace("My ", ""),
  0,
);

// --- News with highlights: CNN/DailyMail, and their comparisons ---

const articles = numbered(ARTICLES, (i, { quality, animal, deed, thing, place, person, moment }) => ({
  id: `article${i}`,
  article:
    `A ${quality} ${animal} was seen near the ${place} on ${moment}. It ${deed} the ${thing}, said a ${person}. ` +
    `The ${place} stays closed until the ${animal} is found.`,
  highlights: `A ${quality} ${animal} ${deed} the ${thing} .\nThe ${place} is closed .`,
}));

const articleComparisons = comparisons(
  articles.map(({ id, article }) => ({ id, article, site: "tiny" })),
  ({ article }) => article.slice(2, article.indexOf(" on ")),
  1,
);

// --- Dialogues: Anthropic's HH ---

const dialogues = numbered(DIALOGUES, (i, { quality, animal, deed, thing, place, person }) => {
  const opening =
    `\n\nHuman: My ${animal} ${deed} the ${thing}. Help!` +
    (i % 2 === 0 ? "" : `\n\nAssistant: Where is it now?\n\nHuman: In the ${place}, with my ${person}.`);
  return {
    chosen: `${opening}\n\nAssistant: Give the ${quality} ${animal} another place than the ${place}.`,
    rejected: `${opening}\n\nAssistant: I do not know what a ${animal} is.`,
  };
});

// --- Files ---

const jsonLines = (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const gzippedJsonLines = (rows) => gzipSync(jsonLines(rows));
const parquet = (rows) =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: Object.keys(rows[0]).map((name) => ({ name, data: rows.map((row) => row[name]), type: "STRING" })),
    }),
  );
const halves = (rows) => [rows.slice(0, rows.length / 2), rows.slice(rows.length / 2)];

const [firstPosts, lastPosts] = halves(posts);
const [firstArticles, lastArticles] = halves(articles);
const [helpful, harmless] = halves(dialogues);
const files = {
  "tldr/train.jsonl": jsonLines(firstPosts),
  "tldr/test.jsonl": jsonLines(lastPosts),
  "summarize-from-feedback/tldr/batch3.json": jsonLines(postComparisons),
  "summarize-from-feedback/cnn-dm/cnndm0.json": jsonLines(articleComparisons),
  "cnn-dailymail/train-00000-of-00002.parquet": parquet(firstArticles),
  "cnn-dailymail/train-00001-of-00002.parquet": parquet(lastArticles),
  "hh-rlhf/helpful-base/train.jsonl.gz": gzippedJsonLines(helpful),
  "hh-rlhf/harmless-base/train.jsonl.gz": gzippedJsonLines(harmless),
};

const [folder] = process.argv.slice(2);
for (const [name, content] of Object.entries(files)) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
