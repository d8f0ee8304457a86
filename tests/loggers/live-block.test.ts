import { expect, test } from "@jest/globals";
import { liveBlock } from "../../src/loggers/live-block.js";
import { createScreen } from "./screen.js";

test("a block is drawn over, whether it grows or shrinks, below what was there", () => {
  const screen = createScreen();
  screen.write("before\n");
  const block = liveBlock(screen);
  block.draw(["a longer line", "b", "c"]);
  expect(screen.lines()).toEqual(["before", "a longer line", "b", "c"]);
  block.draw(["a"]);
  expect(screen.lines()).toEqual(["before", "a"]);
  block.draw(["a", "b2"]);
  block.close();
  screen.write("after\n");
  expect(screen.lines()).toEqual(["before", "a", "b2", "after"]);
});

test("what has not changed is not written again", () => {
  const written: string[] = [];
  const block = liveBlock({ write: (text) => written.push(text) });
  block.draw(["a"]);
  block.draw(["a"]);
  expect(written).toHaveLength(1);
});
