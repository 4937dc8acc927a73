// The formats of model families, each as its documentation specifies it. `formats.ts` derives
// variants with other system prompts, and freezes them all.

import type { Format } from './format.js';

const none = {
  systemPrefix: '',
  systemPrompt: '',
  systemSuffix: '',
  userPrefix: '',
  userSuffix: '',
  botPrefix: '',
  botSuffix: '',
  stops: [],
} as const satisfies Format;

const instruction =
  'Below is an instruction that describes a task. Write a response that appropriately completes the request.';
const politeAnswers =
  "The assistant gives helpful, detailed, and polite answers to the user's questions.";

/** One turn each of system, user and bot: `[before, after]`. */
type Turn = readonly [string, string];

function turns(system: Turn, user: Turn, bot: Turn, rest: Partial<Format> = {}): Format {
  return {
    ...none,
    systemPrefix: system[0],
    systemSuffix: system[1],
    userPrefix: user[0],
    userSuffix: user[1],
    botPrefix: bot[0],
    botSuffix: bot[1],
    ...rest,
  };
}

const imTurn = (name: string): Turn => [`<|im_start|>${name}\n`, '<|im_end|>\n'];
const imStops = ['<|im_end|>', '<|im_start|>'] as const;
const heading = (name: string): Turn => [`### ${name}:\n`, '\n\n'];
const nothing: Turn = ['', ''];

export const known = {
  /** The contents only. */
  blank: none,

  // https://github.com/tatsu-lab/stanford_alpaca
  alpaca: turns(['', '\n\n'], heading('Instruction'), heading('Response'), {
    systemPrompt: instruction,
    stops: ['###', 'Instruction:', '\n\n\n'],
  }),

  // https://huggingface.co/mistralai/Mistral-7B-Instruct-v0.2
  mistralInstruct: turns(nothing, ['[INST] ', ' [/INST]'], ['', '</s>']),

  // https://docs.mistral.ai/capabilities/guardrailing
  mistralInstructSafe: turns(
    nothing,
    [
      '[INST] Always assist with care, respect, and truth. Respond with utmost utility yet securely. Avoid harmful, unethical, prejudiced, or negative content. Ensure replies promote fairness and positivity. ',
      ' [/INST]',
    ],
    ['', '</s>'],
  ),

  // https://github.com/openai/openai-python/blob/release-v0.28.0/chatml.md
  chatml: turns(imTurn('system'), imTurn('user'), imTurn('assistant'), { stops: imStops }),

  // https://huggingface.co/blog/llama2: the first user message shares a block with the system
  // message, so the suffix of each answer opens the block of the next user message.
  llama2chat: turns(
    ['[INST] <<SYS>>\n', '\n<</SYS>>\n\n'],
    ['', ' [/INST]'],
    [' ', ' </s><s>[INST] '],
    { systemPrompt: 'You are a helpful AI assistant.', stops: ['[INST]', '[/INST]'] },
  ),

  // https://www.llama.com/docs/model-cards-and-prompt-formats/meta-llama-3
  llama3: turns(
    ['<|start_header_id|>system<|end_header_id|>\n\n', '<|eot_id|>'],
    ['<|start_header_id|>user<|end_header_id|>\n\n', '<|eot_id|>'],
    ['<|start_header_id|>assistant<|end_header_id|>\n\n', '<|eot_id|>'],
    {
      systemPrompt: 'You are a helpful AI assistant called "Llama 3".',
      // <|end_of_text|>, <|eom_id|>, <|eot_id|>
      stops: [128001, 128008, 128009],
    },
  ),

  // https://huggingface.co/microsoft/Phi-3-mini-4k-instruct
  phi3: turns(
    ['<|system|>\n', '<|end|>\n'],
    ['<|user|>\n', '<|end|>\n'],
    ['<|assistant|>\n', '<|end|>\n'],
    { stops: ['<|end|>'] },
  ),

  // https://ai.google.dev/gemma/docs/formatting: Gemma has no system messages; the format puts
  // nothing around one.
  gemma2: turns(
    nothing,
    ['<start_of_turn>user\n', '<end_of_turn>\n'],
    ['<start_of_turn>model\n', '<end_of_turn>\n'],
    { stops: ['<end_of_turn>'] },
  ),

  // https://github.com/lm-sys/FastChat/blob/main/docs/vicuna_weights_version.md, v1.1
  vicunaLmsys: turns(['', ' '], ['USER: ', ' '], ['ASSISTANT: ', '</s>'], {
    systemPrompt: `A chat between a curious user and an artificial intelligence assistant. ${politeAnswers}`,
    stops: ['USER:'],
  }),

  // What many models with a "Vicuna" format were trained on: one line per turn.
  vicunaCommon: turns(['', '\n\n'], ['USER: ', '\n'], ['ASSISTANT: ', '\n'], {
    systemPrompt: `A chat between a curious user and an artificial intelligence assistant. ${politeAnswers}`,
    stops: ['USER:', 'ASSISTANT:'],
  }),

  // Not the format of a particular model, but most models follow it.
  markup: turns(
    ['<message from="system">', '</message>'],
    ['<message from="user">', '</message>'],
    ['<message from="bot">', '</message>'],
    { stops: ['</message>'] },
  ),

  // https://huggingface.co/timdettmers/guanaco-65b
  guanaco: turns(['', '\n'], ['### Human: ', ' '], ['### Assistant: ', ' '], {
    systemPrompt: `A chat between a curious human and an artificial intelligence assistant. ${politeAnswers}`,
    stops: ['###', 'Human:'],
  }),

  // https://huggingface.co/pankajmathur/orca_mini_v3_7b
  orcaMini: turns(heading('System'), heading('User'), heading('Assistant'), {
    systemPrompt:
      'You are an AI assistant that follows instruction extremely well. Help as much as you can.',
    stops: ['###', 'User:'],
  }),

  // https://huggingface.co/HuggingFaceH4/zephyr-7b-beta
  zephyr: turns(
    ['<|system|>\n', '</s>\n'],
    ['<|user|>\n', '</s>\n'],
    ['<|assistant|>\n', '</s>\n'],
    { systemPrompt: 'You are a friendly chatbot.', stops: ['<|user|>'] },
  ),

  // https://huggingface.co/openchat/openchat-3.5-0106
  openchat: turns(
    nothing,
    ['GPT4 Correct User: ', '<|end_of_turn|>'],
    ['GPT4 Correct Assistant: ', '<|end_of_turn|>'],
    { stops: ['<|end_of_turn|>'] },
  ),

  // https://huggingface.co/migtissera/Tess-XS-v1.0
  synthia: turns(['SYSTEM: ', '\n'], ['USER: ', '\n'], ['ASSISTANT: ', '\n'], {
    systemPrompt:
      'Elaborate on the topic using a Tree of Thoughts and backtrack when necessary to construct a clear, cohesive Chain of Thought reasoning. Always answer without hesitation.',
    stops: ['USER:', 'ASSISTANT:', 'SYSTEM:', '\n\n\n'],
  }),

  // Intel's neural-chat-7b-v3: neural_chat/prompts of intel-extension-for-transformers
  neuralChat: turns(
    ['### System:\n', '</s>\n\n'],
    ['### User:\n', '</s>\n\n'],
    ['### Assistant:\n', '</s>\n\n'],
    {
      systemPrompt: [
        '- You are a helpful assistant chatbot trained by Intel.',
        '- You answer questions.',
        '- You are excited to be able to help the user, but will refuse to do anything that could be considered harmful to the user.',
        '- You are more than just an information source, you are also able to write poetry, short stories, and make jokes.',
      ].join('\n'),
      stops: ['###'],
    },
  ),

  // Alpaca's roles in ChatML's markup.
  chatmlAlpaca: turns(imTurn('system'), imTurn('instruction'), imTurn('response'), {
    systemPrompt: instruction,
    stops: imStops,
  }),

  // A spelling corrector for ChatML models.
  autocorrect: turns(imTurn('instruction'), imTurn('input'), imTurn('output'), {
    systemPrompt:
      'Below is a word or phrase that might be misspelled. Output the corrected word or phrase without changing the style or capitalization.',
    stops: imStops,
  }),

  // https://huggingface.co/jondurbin/bagel-dpo-7b-v0.1
  bagel: turns(['system\n', '\n'], ['user\n', '\n'], ['assistant\n', '\n'], {
    stops: ['user\n', 'assistant\n', 'system\n'],
  }),

  // https://huggingface.co/upstage/SOLAR-10.7B-Instruct-v1.0
  solarInstruct: turns(nothing, heading('User'), heading('Assistant'), {
    stops: ['### User:', '###', '### Assistant:'],
  }),

  // https://huggingface.co/NeverSleep/Noromaid-20b-v0.1.1: Alpaca with character names
  noromaid: turns(
    ['', '\n\n'],
    ['### Instruction:\nBob: ', '\n\n'],
    ['### Response:\nAlice: ', '\n\n'],
    { systemPrompt: instruction, stops: ['###', 'Instruction:', '\n\n\n'] },
  ),

  // https://huggingface.co/Undi95/Borealis-10.7B
  nschatml: turns(
    ['<|im_start|>\n', '<|im_end|>\n'],
    ['<|im_user|>\n', '<|im_end|>\n'],
    ['<|im_bot|>\n', '<|im_end|>\n'],
    { stops: ['<|im_end|>'] },
  ),

  // Not the format of a particular model; works with many.
  natural: turns(['<<SYSTEM>> ', '\n\n'], ['<<USER>> ', '\n\n'], ['<<ASSISTANT>> ', '\n\n'], {
    stops: ['\n\nNote:', '<<SYSTEM>>', '<<USER>>', '<<ASSISTANT>>', '\n\n<<'],
  }),

  // https://docs.cohere.com/docs/prompting-command-r
  command: turns(
    ['<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>', '<|END_OF_TURN_TOKEN|>'],
    ['<|START_OF_TURN_TOKEN|><|USER_TOKEN|>', '<|END_OF_TURN_TOKEN|>'],
    ['<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>', '<|END_OF_TURN_TOKEN|>'],
    { stops: ['<|END_OF_TURN_TOKEN|>'] },
  ),
} as const satisfies Record<string, Format>;
