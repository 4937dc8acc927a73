// Checks that docs/from-easy-llama.md has a row for every name in easy-llama's documentation, and
// that the names of this package in it exist.

import { readFileSync } from 'node:fs';
import * as autocog from 'autocog-lm';
import * as chat from 'autocog-lm/chat';
import t from 'tap';
import { ScriptedLM } from '../support/scripted-lm.mjs';

const words = (text: string): string[] => text.trim().split(/\s+/);

/** The names in easy-llama's documentation, by the heading of their table. */
const easyLlamaNames: Record<string, string[]> = {
  'Model: attributes': words(`ez.Model verbose metadata context_length n_ctx llama vocab bos_token
    eos_token eot_token nl_token prefix_token middle_token suffix_token cls_token sep_token filename
    n_ctx_train rope_freq_base_train rope_freq_base flash_attn n_vocab n_layer n_gpu_layers ctx_scale
    type_k type_v n_gqa`),
  'Model: methods':
    words(`Model.__init__ model_path context_length n_gpu_layers offload_kqv flash_attn
    verbose Model.unload easy_llama.model.ModelUnloadedException Model.get_length text Model.generate
    prompt stops sampler Model.stream Model.stream_print end file flush Model.ingest Model.candidates
    k Model.print_candidates`),
  Thread: words(`ez.Thread .format .messages .model .sampler Thread.create_message role content
    Thread.len_messages len(Thread) Thread.add_message Thread.inference_str_from_messages Thread.send
    Thread.interact color header stream Thread.reset Thread.as_string Thread.print_stats
    ez.thread.Message prefix postfix Message.as_string`),
  'At the prompt of interact':
    words(`^C ENTER \\ < !! ! reset clear stats sampler string repr remove
    last summary reroll messages exit help`),
  Samplers:
    words(`ez.samplers.SamplerSettings SamplerSettings.__init__ max_len_tokens temp top_p min_p
    frequency_penalty presence_penalty repeat_penalty top_k ez.samplers.GreedyDecoding
    ez.samplers.DefaultSampling ez.samplers.ClassicSampling ez.samplers.SimpleSampling
    ez.samplers.SemiSampling ez.samplers.TikTokenSampling ez.samplers.LowMinPSampling
    ez.samplers.MinPSampling ez.samplers.StrictMinPSampling ez.samplers.ContrastiveSearch
    ez.samplers.WarmContrastiveSearch ez.samplers.RandomSampling ez.samplers.LowTempSampling
    ez.samplers.HighTempSampling`),
  Formats:
    words(`ez.formats system_prefix system_prompt system_suffix user_prefix user_suffix bot_prefix
    bot_suffix stops blank alpaca mistral_instruct mistral_instruct_safe chatml llama2chat llama3 phi3
    gemma2 vicuna_lmsys vicuna_common markup guanaco orca_mini zephyr openchat synthia neural_chat
    chatml_alpaca autocorrect bagel solar_instruct noromaid nschatml natural command mistral_openorca
    dolphin samantha jackalope naberius hermes monad orca hexoteric orcamaid cat mytho_cat airoboros
    tess alpaca_strict`),
};

/** The rows of the page's tables: the heading, and the first two columns. */
const rows = readFileSync('docs/from-easy-llama.md', 'utf8')
  .split(/^## /m)
  .slice(1)
  .flatMap((section) => {
    const heading = section.slice(0, section.indexOf('\n'));
    return [...section.matchAll(/^\| `(.+?)` \| (.+?) \|/gm)].map(([, name, equivalent]) => {
      return { heading, name: name as string, equivalent: equivalent as string };
    });
  });

for (const [heading, names] of Object.entries(easyLlamaNames)) {
  t.test(`every name under ${heading} is mapped exactly once, and no other`, async (t) => {
    const mapped = rows.filter((row) => row.heading === heading).map(({ name }) => name);
    t.same(mapped, names);
  });
}

t.test('the names of this package exist', async (t) => {
  const lm = new ScriptedLM(['x']);
  const thread = new chat.Thread(lm, { format: 'blank' });
  const roots: Record<string, object> = {
    lm: Object.create(autocog.LLaMa.prototype),
    thread,
    message: thread.createMessage('user', 'x'),
    formats: chat.formats,
    samplers: (autocog as unknown as { samplers: object }).samplers,
  };
  let checked = 0;
  for (const { equivalent } of rows) {
    // lm.model and lm.contextInfo require a loaded model: see the next test.
    for (const [, root, member] of equivalent.matchAll(/`(\w+)\.(\w+)[^`]*`/g)) {
      const object = roots[root as string];
      if (object === undefined || member === 'model' || member === 'contextInfo') continue;
      t.ok((member as string) in object, `${root}.${member}`);
      checked++;
    }
  }
  t.ok(checked > 60, `${checked} names`);
});

t.test('the names of a loaded model exist', async (t) => {
  const lm = await autocog.LLaMa.load(autocog.defaultModelPath, { threads: 1 });
  t.teardown(() => lm.close());
  for (const { equivalent } of rows) {
    for (const [, path] of equivalent.matchAll(/`lm\.((?:model|contextInfo)[\w.]+)`/g)) {
      const names = (path as string).split('.');
      const last = names.pop() as string;
      const object = names.reduce<object | undefined>(
        (parent, name) => (parent as Record<string, object> | undefined)?.[name],
        lm,
      );
      t.ok(object !== undefined && last in object, `lm.${path}`);
    }
  }
});
