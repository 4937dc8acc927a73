// Short conversations in the chat template that train.py stores in the
// GGUF: <|im_start|>role, newline, content, <|im_end|>.

export const renderChat = (messages, { addGenerationPrompt = false } = {}) =>
  messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('') +
  (addGenerationPrompt ? '<|im_start|>assistant\n' : '');

const smallTalk = [
  ['Hello', 'Hello! What do you want to know?'],
  ['Hello!', 'Hello! What do you want to know?'],
  ['Hi', 'Hello! What do you want to know?'],
  ['Good morning!', 'Good morning! What do you want to know?'],
  ['Can you help me?', 'Yes. What do you want to know?'],
  ['Thank you', 'You are welcome.'],
  ['Thank you!', 'You are welcome.'],
  ['Thanks', 'You are welcome.'],
  ['Goodbye', 'Goodbye!'],
  ['Who are you?', 'I am the small default model of autocog-lm.'],
  ['What can you do?', 'I know capitals, colours, opposites, sounds, days, months and sums.'],
];

const system = { role: 'system', content: 'You are a helpful assistant.' };
const brief = { role: 'system', content: 'Answer with one word.' };

/**
 * Writes a conversation. `ask()` returns { question, answer, sentence }; the
 * assistant replies with the answer, or with the full sentence if there is one
 * and no system message requests brevity.
 */
export function writeChat(ask, random) {
  const start = random.pick([null, null, null, system, brief]);
  const messages = start ? [start] : [];
  const say = (question, answer) =>
    messages.push({ role: 'user', content: question }, { role: 'assistant', content: answer });
  if (start !== brief && random.chance(0.15)) say(...random.pick(smallTalk));
  for (let turns = 1 + random.below(3); turns > 0; turns--) {
    const { question, answer, sentence } = ask();
    const whole = sentence && start !== brief && random.chance(0.25);
    say(question, whole ? sentence : answer);
  }
  if (start !== brief && random.chance(0.08)) say(...random.pick(smallTalk));
  return renderChat(messages);
}
