import { hasField, requiredField, valueOf, type DataRow } from "../data-row.js";
import { fillTemplate, missingField, type FilledTemplate } from "./fill-template.js";

/** The paper's prompt for posts of Reddit (TL;DR), whose fields OpenAI's comparisons and references have. */
const POST = "SUBREDDIT: r/{subreddit}\n\nTITLE: {title}\n\nPOST: {post}\n\nTL;DR: ";
/** For articles (CNN/DailyMail), which have no other field. */
const ARTICLE = "{article}\n\nTL;DR: ";

/** The prompt that asks for a summary of a post or an article. @throws BadInputError */
export function summaryPrompt(row: DataRow, template?: string): FilledTemplate {
  if (template !== undefined) return fillTemplate(template, row);
  const hasPost = valueOf(row, "post") !== undefined;
  if (hasField(row, "article") || (!hasPost && valueOf(row, "article") !== undefined)) {
    requiredField(row, "article");
    return fillTemplate(ARTICLE, row);
  }
  const missing = ["post", "title", "subreddit"].find((name) => valueOf(row, name) === undefined);
  if (missing !== undefined) throw missingField(row, missing);
  // A post may lack its title, but without its text there is nothing to sum up.
  requiredField(row, "post");
  return fillTemplate(POST, row);
}

/**
 * A summary as it follows its prompt. Published ones begin with a space, with none, or end in one: here prompt and summary
 * are one space apart, which belongs to the prompt if that ends in white space ("TL;DR: "), and else to the summary.
 */
export const summaryAfter = (prompt: string, text: string): string => (/\s$/.test(prompt) ? "" : " ") + text.trim();
