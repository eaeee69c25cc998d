import { describe, expect, it } from "vitest";

import { command, quoted, runCommand } from "./commands";

describe("quoted", () => {
  it.each([
    ["plain-1.0_x/y:z", "plain-1.0_x/y:z"],
    ["two words", "'two words'"],
    ["it's", "'it'\\''s'"],
    ["", "''"],
    ["$HOME `id` \"x\" !! \\", "'$HOME `id` \"x\" !! \\'"],
    ["~root", "'~root'"],
    ["é", "'é'"],
  ])("%s is %s", (word, said) => {
    expect(quoted(word)).toBe(said);
  });
});

describe("commands", () => {
  it("name a run by its id", () => {
    expect(command("flow-run", "logs", "0199-id", "--follow")).toBe("runwright flow-run logs 0199-id --follow");
  });

  it("give parameters as the command line reads them", () => {
    const parameters = { name: "two words", count: 7, text: "7", none: null, list: ["a", 1], yes: "true" };
    expect(runCommand("orders/nightly", parameters)).toBe(
      "runwright deployment run orders/nightly --param 'name=two words' --param count=7 " +
        `--param 'text="7"' --param none=null --param 'list=["a",1]' --param 'yes="true"'`,
    );
  });

  it("give all at once where a name has what ends a name", () => {
    expect(runCommand("my flow/d", { "a=b": 1 })).toBe(`runwright deployment run 'my flow/d' --params '{"a=b":1}'`);
  });
});
