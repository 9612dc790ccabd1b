import { expect, test } from "vitest";
import { FileQuestions } from "../../src/worker/file-questions.ts";

test("questions are answered in order, and when nobody answers any more, with nothing", async () => {
  const questions = new FileQuestions();
  let asked = 0;
  const send = () => {
    asked += 1;
  };
  const answers = [1, 2, 3].map(() => questions.ask(send));
  questions.answer(["a"]);
  questions.answer(["b"]);
  questions.close();
  questions.answer(["late"]);
  expect(await Promise.all([...answers, questions.ask(send)])).toEqual([["a"], ["b"], [], []]);
  expect(asked).toBe(3);
});
