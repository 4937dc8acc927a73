// Messages, and the formats that render them.

import { type Format, formatNames, formats, Message, wrap } from 'autocog-lm/chat';
import t from 'tap';
import { wrongKind } from '../support/failures.js';

t.test('a message is its prefix, its content and its postfix', async (t) => {
  const message = new Message('user', 'Hello', { prefix: 'USER: ', postfix: '\n' });
  t.equal(message.asString(), 'USER: Hello\n');
  t.same({ ...message }, { role: 'user', prefix: 'USER: ', content: 'Hello', postfix: '\n' });
  t.same(Object.keys(message), ['role', 'prefix', 'content', 'postfix']);
  t.equal(new Message('bot', '').asString(), '');
});

t.test('roles are accepted in any letter case, and assistant means bot', async (t) => {
  const role = (name: string): string => new Message(name, '').role;
  t.same(['SYSTEM', 'User', 'bOt', 'Assistant'].map(role), ['system', 'user', 'bot', 'bot']);
  for (const wrong of ['model', '', 'constructor', undefined, 7]) {
    const shown = typeof wrong === 'string' ? `"${wrong}"` : String(wrong);
    t.throws(
      () => new Message(wrong as string, ''),
      wrongKind("one of 'system', 'user', 'bot'", 'role', shown),
    );
  }
  t.throws(
    () => new Message('user', null as unknown as string),
    wrongKind('a string', 'content', 'null'),
  );
});

const easyLlamaNames =
  `blank alpaca mistral_instruct mistral_instruct_safe chatml llama2chat llama3 phi3
  gemma2 vicuna_lmsys vicuna_common markup guanaco orca_mini zephyr openchat synthia neural_chat
  chatml_alpaca autocorrect bagel solar_instruct noromaid nschatml natural command
  mistral_openorca dolphin samantha jackalope naberius hermes monad orca hexoteric orcamaid cat
  mytho_cat airoboros tess alpaca_strict`.split(/\s+/);

t.test('every format of easy-llama exists, under its original name, too', async (t) => {
  t.equal(formatNames.length, easyLlamaNames.length);
  for (const [index, name] of easyLlamaNames.entries()) {
    t.ok(name in formats, name);
    t.equal(formats[name], formats[formatNames[index] as string], name);
  }
  t.equal(formats.mistral_instruct, formats.mistralInstruct);
  t.equal(formats.nothing_like_it, undefined);
  t.notOk('nothing_like_it' in formats);
  t.same(Object.keys(formats), [...formatNames]);
});

t.test('a format has eight keys, and is frozen', async (t) => {
  for (const name of formatNames) {
    t.same(Object.keys(formats[name]).sort(), [
      'botPrefix',
      'botSuffix',
      'stops',
      'systemPrefix',
      'systemPrompt',
      'systemSuffix',
      'userPrefix',
      'userSuffix',
    ]);
    t.ok(Object.isFrozen(formats[name]) && Object.isFrozen(formats[name].stops), name);
  }
  t.throws(() => Object.assign(formats.chatml, { systemPrompt: 'x' }), TypeError);
  t.throws(() => Object.assign(formats, { chatml: formats.blank }), TypeError);
});

/** Per format: two exchanges, rendered as the documentation of its models specifies. */
const documented: Record<string, [system: string, text: string]> = {
  blank: ['', 'QAQA'],
  alpaca: [
    'S',
    'S\n\n### Instruction:\nQ\n\n### Response:\nA\n\n### Instruction:\nQ\n\n### Response:\nA\n\n',
  ],
  mistralInstruct: ['', '[INST] Q [/INST]A</s>[INST] Q [/INST]A</s>'],
  chatml: [
    'S',
    `<|im_start|>system\nS<|im_end|>\n${'<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n'.repeat(2)}`,
  ],
  llama2chat: [
    'S',
    '[INST] <<SYS>>\nS\n<</SYS>>\n\nQ [/INST] A </s><s>[INST] Q [/INST] A </s><s>[INST] ',
  ],
  llama3: [
    'S',
    `<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>${'<|start_header_id|>user<|end_header_id|>\n\nQ<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nA<|eot_id|>'.repeat(2)}`,
  ],
  phi3: ['S', `<|system|>\nS<|end|>\n${'<|user|>\nQ<|end|>\n<|assistant|>\nA<|end|>\n'.repeat(2)}`],
  gemma2: [
    '',
    '<start_of_turn>user\nQ<end_of_turn>\n<start_of_turn>model\nA<end_of_turn>\n'.repeat(2),
  ],
  vicunaLmsys: ['S', 'S USER: Q ASSISTANT: A</s>USER: Q ASSISTANT: A</s>'],
  vicunaCommon: ['S', 'S\n\nUSER: Q\nASSISTANT: A\nUSER: Q\nASSISTANT: A\n'],
  markup: [
    'S',
    `<message from="system">S</message>${'<message from="user">Q</message><message from="bot">A</message>'.repeat(2)}`,
  ],
  guanaco: ['S', 'S\n### Human: Q ### Assistant: A ### Human: Q ### Assistant: A '],
  orcaMini: ['S', `### System:\nS\n\n${'### User:\nQ\n\n### Assistant:\nA\n\n'.repeat(2)}`],
  zephyr: ['S', `<|system|>\nS</s>\n${'<|user|>\nQ</s>\n<|assistant|>\nA</s>\n'.repeat(2)}`],
  openchat: [
    '',
    'GPT4 Correct User: Q<|end_of_turn|>GPT4 Correct Assistant: A<|end_of_turn|>'.repeat(2),
  ],
  synthia: ['S', `SYSTEM: S\n${'USER: Q\nASSISTANT: A\n'.repeat(2)}`],
  neuralChat: [
    'S',
    `### System:\nS</s>\n\n${'### User:\nQ</s>\n\n### Assistant:\nA</s>\n\n'.repeat(2)}`,
  ],
  chatmlAlpaca: [
    'S',
    `<|im_start|>system\nS<|im_end|>\n${'<|im_start|>instruction\nQ<|im_end|>\n<|im_start|>response\nA<|im_end|>\n'.repeat(2)}`,
  ],
  autocorrect: [
    'S',
    `<|im_start|>instruction\nS<|im_end|>\n${'<|im_start|>input\nQ<|im_end|>\n<|im_start|>output\nA<|im_end|>\n'.repeat(2)}`,
  ],
  bagel: ['S', `system\nS\n${'user\nQ\nassistant\nA\n'.repeat(2)}`],
  solarInstruct: ['', '### User:\nQ\n\n### Assistant:\nA\n\n'.repeat(2)],
  noromaid: ['S', `S\n\n${'### Instruction:\nBob: Q\n\n### Response:\nAlice: A\n\n'.repeat(2)}`],
  nschatml: [
    'S',
    `<|im_start|>\nS<|im_end|>\n${'<|im_user|>\nQ<|im_end|>\n<|im_bot|>\nA<|im_end|>\n'.repeat(2)}`,
  ],
  natural: ['S', `<<SYSTEM>> S\n\n${'<<USER>> Q\n\n<<ASSISTANT>> A\n\n'.repeat(2)}`],
  command: [
    'S',
    `<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>S<|END_OF_TURN_TOKEN|>${'<|START_OF_TURN_TOKEN|><|USER_TOKEN|>Q<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>A<|END_OF_TURN_TOKEN|>'.repeat(2)}`,
  ],
};

t.test('formats render conversations as their models were trained on them', async (t) => {
  for (const [name, [system, expected]] of Object.entries(documented)) {
    const format = formats[name] as Format;
    const opening = system === '' ? '' : format.systemPrefix + system + format.systemSuffix;
    const exchange = `${format.userPrefix}Q${format.userSuffix}${format.botPrefix}A${format.botSuffix}`;
    t.equal(opening + exchange + exchange, expected, name);
  }
  const safe = formats.mistralInstructSafe;
  t.match(
    safe.userPrefix,
    /^\[INST\] Always assist with care, respect, and truth\. .* positivity\. $/,
  );
  t.equal(safe.userSuffix, ' [/INST]');
});

t.test('each format has its stop strings and tokens', async (t) => {
  const expected: Record<string, readonly (string | number)[]> = {
    blank: [],
    alpaca: ['###', 'Instruction:', '\n\n\n'],
    mistralInstruct: [],
    chatml: ['<|im_end|>', '<|im_start|>'],
    llama2chat: ['[INST]', '[/INST]'],
    llama3: [128001, 128008, 128009],
    gemma2: ['<end_of_turn>'],
    vicunaLmsys: ['USER:'],
    vicunaCommon: ['USER:', 'ASSISTANT:'],
    markup: ['</message>'],
    guanaco: ['###', 'Human:'],
    orcaMini: ['###', 'User:'],
    zephyr: ['<|user|>'],
    openchat: ['<|end_of_turn|>'],
    synthia: ['USER:', 'ASSISTANT:', 'SYSTEM:', '\n\n\n'],
    neuralChat: ['###'],
    bagel: ['user\n', 'assistant\n', 'system\n'],
    solarInstruct: ['### User:', '###', '### Assistant:'],
    noromaid: ['###', 'Instruction:', '\n\n\n'],
    natural: ['\n\nNote:', '<<SYSTEM>>', '<<USER>>', '<<ASSISTANT>>', '\n\n<<'],
    alpacaStrict: [
      '###',
      '\n\n##',
      '\n\nInstruction:',
      '\n\nResponse:',
      '\n\n\n',
      '### Instruction:',
      '### Response:',
    ],
  };
  for (const [name, stops] of Object.entries(expected)) t.same(formats[name]?.stops, stops, name);
});

t.test('variants differ from their base format in the system prompt only', async (t) => {
  const bases: Record<string, string> = {
    mistralOpenorca: 'chatml',
    dolphin: 'chatml',
    samantha: 'chatml',
    jackalope: 'chatml',
    naberius: 'chatml',
    hermes: 'chatml',
    monad: 'chatml',
    orca: 'chatml',
    hexoteric: 'chatml',
    orcamaid: 'chatml',
    cat: 'alpaca',
    mythoCat: 'alpaca',
    airoboros: 'llama2chat',
    tess: 'synthia',
  };
  for (const [name, base] of Object.entries(bases)) {
    const { systemPrompt, ...rest } = formats[name] as Format;
    const { systemPrompt: other, ...same } = formats[base] as Format;
    t.same(rest, same, name);
    t.not(systemPrompt, other, name);
  }
  t.equal(formats.dolphin.systemPrompt, 'You are Dolphin, a helpful AI assistant.');
  t.equal(formats.naberius.systemPrompt, 'You are Naberius.');
  t.equal(formats.tess.systemPrompt, '');
  t.equal(formats.alpacaStrict.systemPrompt, formats.alpaca.systemPrompt);
});

t.test('wrap renders one question in a format', async (t) => {
  t.equal(
    wrap('Hi', formats.openchat),
    'GPT4 Correct User: Hi<|end_of_turn|>GPT4 Correct Assistant:',
  );
  t.equal(wrap('Hi', { ...formats.synthia, systemPrompt: 'S' }), 'SYSTEM: S\nUSER: Hi\nASSISTANT:');
  t.throws(() => wrap(7 as unknown as string, formats.blank), wrongKind('a string', 'prompt', '7'));
});
