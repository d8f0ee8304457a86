import { hasField, type DataRow } from "../data-row.js";
import { fillTemplate, type FilledTemplate } from "./fill-template.js";

/** The paper's prompt for posts of Reddit (TL;DR), whose fields OpenAI's comparisons and references have. */
const POST = "SUBREDDIT: r/{subreddit}\n\nTITLE: {title}\n\nPOST: {post}\n\nTL;DR: ";
/** For articles (CNN/DailyMail), which have no other field. */
const ARTICLE = "{article}\n\nTL;DR: ";

/** The prompt that asks for a summary of a post or an article. @throws BadInputError */
export const summaryPrompt = (row: DataRow, template = hasField(row, "article") ? ARTICLE : POST): FilledTemplate =>
  fillTemplate(template, row);

/**
 * A summary as it follows its prompt. Published ones begin with a space, with none, or end in one: here prompt and summary
 * are one space apart, which belongs to the prompt if that ends in white space ("TL;DR: "), and else to the summary.
 */
export const summaryAfter = (prompt: string, text: string): string => (/\s$/.test(prompt) ? "" : " ") + text.trim();
