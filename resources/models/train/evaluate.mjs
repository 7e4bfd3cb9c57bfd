// Asks the exported model the held-out questions through llama.cpp (greedy) and prints each miss and the score.
// Usage: node evaluate.mjs [--model FILE] [--questions FILE] [--verbose]; needs node-llama-cpp.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { getLlama, LlamaCompletion } from "node-llama-cpp";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: here("../omni-guide.gguf") },
    questions: { type: "string", default: here("heldout.json") },
    verbose: { type: "boolean", default: false },
  },
});

/** Every group of alternatives needs one that occurs in the answer. */
function isRight(answer, expect) {
  const text = answer.toLowerCase();
  return expect.every((group) => group.some((word) => text.includes(word.toLowerCase())));
}

async function openModel(path) {
  const llama = await getLlama({ gpu: false, build: "never", maxThreads: 1 });
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({ contextSize: 512, threads: 1 });
  const completion = new LlamaCompletion({ contextSequence: context.getSequence() });
  return async (question) => {
    const prompt = `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;
    return completion.generateCompletion(model.tokenize(prompt, true), { temperature: 0, maxTokens: 120 });
  };
}

function report(label, results) {
  const right = results.filter((result) => result.right).length;
  console.log(`${label}: ${right}/${results.length} (${Math.round((100 * right) / results.length)} %)`);
}

const ask = await openModel(options.model);
const results = [];
for (const { question, expect, refusal } of JSON.parse(readFileSync(options.questions, "utf8"))) {
  const answer = await ask(question);
  const right = isRight(answer, expect);
  results.push({ refusal, right });
  if (!right || options.verbose) console.log(`${right ? "ok  " : "MISS"} ${question}\n     ${answer}`);
}
report("answerable", results.filter((result) => !result.refusal));
report("refusals", results.filter((result) => result.refusal));
report("held-out total", results);
process.exit(0);
