import { z } from "zod";

/** The files and folders that a path option names. */
export const pathsOf = (path: string | readonly string[]): readonly string[] => [path].flat();

/** A field of a row in a prompt template: {post}. */
export const TEMPLATE_FIELD = /\{([A-Za-z_]\w*)\}/g;

const path = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)], { error: "a path, or a list of paths" })
  .describe(
    "JSONL, a list in JSON, or Parquet, each also packed by gzip or zstd, told apart by the content; a folder of shards, " +
      "read in the order of their names; or a list of these. Relative to the recipe.",
  );

const heldOutShare = z.number().gt(0).lt(1);

const maxRows = z
  .number()
  .int()
  .positive()
  .optional()
  .describe("Read at most so many rows, chosen by a hash of their ids, so not by their order; left out: all.");

const promptTemplate = z
  .string()
  .refine((text) => text.match(TEMPLATE_FIELD) !== null, "must name a field of the rows in braces, such as {post}")
  .optional();

/** Human references, D_TR of the paper where it is another dataset than the comparisons. */
const referencesSchema = z.strictObject({
  path,
  layout: z
    .enum(["auto", "text", "tldr", "cnn-dailymail", "messages"])
    .default("auto")
    .describe(
      "Fields of the rows. text: {prompt, reference|label|response|completion}. tldr: {subreddit, title, post, summary}. " +
        "cnn-dailymail: {article, highlights}. messages: {messages}, or {prompt, completion}, of {role, content} each. " +
        "auto: told from the first row.",
    ),
  promptTemplate: promptTemplate.describe(
    "Text of the prompt, with fields of the row in braces; left out: data.promptTemplate, or the layout's own.",
  ),
  heldOutShare: heldOutShare
    .optional()
    .describe(
      "Share of references that no training sees; left out: data.heldOutShare. The hash is the same, so with the same " +
        'share what answers one prompt is on one side, here and in the comparisons (by id, if data.splitBy is "id").',
    ),
  maxRows,
});

const common = {
  path,
  heldOutShare: heldOutShare
    .default(0.1)
    .describe(
      'Share of prompts (of rows, where the data is rated or splitBy is "id") that no training sees; chosen by a hash.',
    ),
  maxRows,
  splitBy: z
    .enum(["prompt", "id"])
    .default("prompt")
    .describe(
      "What falls on one side of the train / held-out split together. prompt: all rows to one prompt, exactly as it is " +
        "written. id: rows of one id, and of one prompt where they have none, so that a prompt may be on both sides. " +
        "Rated responses, which all answer one prompt, go by their ids; there it decides on data.references alone.",
    ),
  unusableRows: z
    .enum(["refuse", "skip"])
    .default("refuse")
    .describe(
      "What to do with a row of the right form that cannot be used: a field that it needs is empty, null or NaN, a text that is not Unicode, a rating that " +
        "is not finite, two responses that are the same, a repeated row, a dialogue that goes on after the response; and, " +
        "when the base reads it, more tokens than the base or the reward model takes, or a token that they have no " +
        "embedding for. Published datasets have some. refuse: nothing is trained. skip: they are left out, in every stage " +
        "alike, and counted.",
    ),
  maxPromptTokens: z
    .number()
    .int()
    .positive()
    .optional()
    .describe("Longest prompt, tokens; left out: as the base allows."),
  truncatePrompt: z
    .enum(["left", "refuse"])
    .default("refuse")
    .describe(
      "What to do with a longer one. left: its last maxPromptTokens tokens are kept, after its begin tokens (the paper: " +
        "512); a conversation loses its oldest turns, but neither its system prompt nor the newest turn.",
    ),
  beginTokens: z
    .enum(["auto", "none"])
    .default("auto")
    .describe(
      "What prompts that are text begin with. auto: the tokens that the base's tokenizer puts before a text (<s>, " +
        "<|begin_of_text|>; many have none), once, as transformers and vLLM do for a text. none: nothing. A conversation " +
        "begins with what the chat template writes.",
    ),
  specialTokens: z
    .enum(["text", "tokens"])
    .default("text")
    .describe(
      "What special tokens are that a prompt of text spells, such as <|im_start|>. text: ordinary text, as in responses and " +
        "messages. tokens: those tokens, for prompts that hold a chat template's output. Those of the recipe's own prompt and promptTemplate are tokens.",
    ),
  references: referencesSchema
    .optional()
    .describe("Human references (D_TR), where they are another dataset than the comparisons."),
};

/** Human preferences, D_R of the paper. */
export const dataSchema = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("rated"),
      prompt: z.string().min(1).describe("The prompt that every text answers."),
      ...common,
    })
    .describe("Rated responses to one prompt, rows {id, text, rating}: any two whose ratings differ are a preference."),
  z
    .strictObject({
      kind: z.literal("pairs"),
      layout: z
        .enum(["auto", "pairs", "messages", "hh", "summarize-from-feedback"])
        .default("auto")
        .describe(
          "Fields of the rows. pairs: {prompt, preferred|chosen, rejected}, texts. messages: the same as lists of " +
            "{role, content}, the prompt in its own field or the common beginning of both. hh: {chosen, rejected}, whole " +
            'dialogues of "\\n\\nHuman:" and "\\n\\nAssistant:" turns (Anthropic). summarize-from-feedback: {info, ' +
            "summaries, choice} (OpenAI). auto: told from the first row.",
        ),
      promptTemplate: promptTemplate.describe(
        'Text of the prompt, with fields of the row (of its "info") in braces, for pairs and summarize-from-feedback. ' +
          'Left out: {prompt}; and "SUBREDDIT: r/{subreddit}\\n\\nTITLE: {title}\\n\\nPOST: {post}\\n\\nTL;DR: " or, for ' +
          'articles, "{article}\\n\\nTL;DR: ". Fields may be empty as long as one of them is not.',
      ),
      ...common,
    })
    .describe("Pairs of responses, the preferred one named."),
]);

export type DataOptions = z.infer<typeof dataSchema>;
export type PairOptions = DataOptions & { readonly kind: "pairs" };
export type RatedOptions = DataOptions & { readonly kind: "rated" };
export type ReferenceOptions = z.infer<typeof referencesSchema>;
