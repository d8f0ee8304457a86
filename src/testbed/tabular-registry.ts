import type { ModelHandle } from "../domain/model.js";
import { notFound, refused } from "./service-error.js";
import type { TabularModel } from "./tabular-model.js";

/**
 * The models of one process by name, each at a version. A version's hash is a count of the versions given out: hashing a
 * whole table at every step is for servers, whose weights can come back from a disk.
 */
export class TabularRegistry {
  private readonly entries = new Map<string, { readonly model: TabularModel; handle: ModelHandle }>();
  private versions = 0;

  /** @throws RangeError if there is a model of this name */
  add(name: string, model: TabularModel): ModelHandle {
    if (this.entries.has(name)) throw new RangeError(`there is a model ${name} already`);
    const handle = this.handleOf(name, model);
    this.entries.set(name, { model, handle });
    return handle;
  }

  /** @throws NOT_FOUND */
  named(name: string): TabularModel {
    return this.entry(name).model;
  }

  /** @throws NOT_FOUND, or FAILED_PRECONDITION if the model is at another version */
  find({ name, version }: ModelHandle): TabularModel {
    const { model, handle } = this.entry(name);
    if (version.weightsHash !== handle.version.weightsHash)
      throw refused(`${name} is at optimiser step ${model.optimizerStep}, not at the version expected`);
    return model;
  }

  /** The model's weights have changed. @returns its handle from now on */
  advance(name: string): ModelHandle {
    const entry = this.entry(name);
    return (entry.handle = this.handleOf(name, entry.model));
  }

  private entry(name: string) {
    const found = this.entries.get(name);
    if (found === undefined) throw notFound(`no model ${name} in this process`);
    return found;
  }

  private handleOf(name: string, { generation, optimizerStep }: TabularModel): ModelHandle {
    return { name, version: { generation, optimizerStep, weightsHash: `version-${++this.versions}` } };
  }
}
