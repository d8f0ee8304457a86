import { BadInputError } from "../errors.js";

/** There is no such run or rollout: HTTP 404. */
export class NotFoundError extends BadInputError {}
