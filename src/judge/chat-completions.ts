import { z } from "zod";
import { type Endpoint, excerpt, withoutToken } from "../http/endpoint.js";
import { postJson, type ReadBody } from "../http/post-json.js";

export interface ChatMessage {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** What an endpoint said, without the key should it have repeated that. */
export interface Completion {
  readonly text: string;
  /** What it says of itself: the model that answered, why it stopped, tokens used. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** Of a chat completion (https://platform.openai.com/docs/api-reference/chat), what is needed. */
const completionSchema = z.object({
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
        finish_reason: z.string().nullish(),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: z.number().nullish(), completion_tokens: z.number().nullish() }).nullish(),
});

/**
 * Asks for one completion.
 * @param request fields of the body
 * @throws as postJson does
 */
export const askForCompletion = (
  endpoint: Endpoint,
  request: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<Completion> => postJson(endpoint, request, { read: completionReader(endpoint.token), signal });

const completionReader =
  (token: string | undefined): ReadBody<Completion> =>
  (body) => {
    const { data } = completionSchema.safeParse(jsonOrNothing(body));
    if (!data) return { problem: `${excerpt(body, token)}, which is no chat completion` };
    const { message, finish_reason: finishReason } = data.choices[0]!;
    const shown = (text: string | null | undefined) => (typeof text === "string" ? withoutToken(text, token) : null);
    return {
      value: {
        text: shown(message.content) ?? shown(message.refusal) ?? "",
        about: {
          ...{ answeredBy: shown(data.model), finishReason: shown(finishReason) },
          promptTokens: data.usage?.prompt_tokens ?? null,
          completionTokens: data.usage?.completion_tokens ?? null,
        },
      },
    };
  };

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
