import type { FastifyInstance } from "fastify";
import { ZodError } from "zod";
import { BadInputError, DrpoError } from "../../errors.js";
import type { Failure } from "../api.js";
import { NotFoundError } from "../not-found-error.js";

/** Every error is answered with what a person can do about it; a bug with its message, not with its stack. */
export function answerErrors(app: FastifyInstance): void {
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: "There is nothing here." }));
  app.setErrorHandler((error, _request, reply) => {
    const { status, message } = answerOf(error);
    return reply.code(status).send({ error: message } satisfies Failure);
  });
}

function answerOf(error: unknown): { readonly status: number; readonly message: string } {
  if (error instanceof NotFoundError) return { status: 404, message: error.message };
  if (error instanceof BadInputError) return { status: 400, message: error.message };
  if (error instanceof DrpoError) return { status: 503, message: error.message };
  if (error instanceof ZodError) {
    const told = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    return { status: 400, message: told.join("; ") };
  }
  const { statusCode, message } = error as { readonly statusCode?: number; readonly message?: string };
  return { status: statusCode ?? 500, message: message ?? String(error) };
}
