import { expect, test } from "vitest";

import { actionsInWords, outcomeInWords, triggerInWords } from "./automations";

test.each([
  [{ type: "event", posture: "Reactive", expect: ["a.Failed"], threshold: 1, within: 0 }, "when a.Failed happens"],
  [
    { type: "event", posture: "Reactive", expect: ["a", "b"], threshold: 3, within: 60 },
    "when a or b happens 3 times within 60 s",
  ],
  [{ posture: "Proactive", expect: ["a"], within: 30 }, "when a has not happened within 30 s"],
  [{ posture: "Reactive" }, "when anything happens"],
  [
    { type: "sequence", triggers: [{ expect: ["a"] }, { expect: ["b"] }] },
    "when a happens, then when b happens",
  ],
  [
    { type: "compound", require: "any", triggers: [{ expect: ["a"] }, { expect: ["b"] }] },
    "when a happens or when b happens",
  ],
])("%j in words", (trigger, words) => {
  expect(triggerInWords(trigger)).toBe(words);
});

test("actions are named in their order", () => {
  expect(actionsInWords([{ type: "pause-deployment" }, { type: "do-nothing" }])).toBe("pause deployment, do nothing");
});

test.each([
  ["executed", 1, "run deployment: done"],
  ["pending", 0, "run deployment: waits"],
  ["pending", 1, "run deployment: waits after 1 try"],
  ["dead", 5, "run deployment: given up after 5 tries"],
])("an action that is %s after %i tries", (status, tries, words) => {
  expect(outcomeInWords({ action: { type: "run-deployment" }, status, tries })).toBe(words);
});
