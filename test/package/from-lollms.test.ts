// Walks all rows of docs/from-lollms.md: there is a row for every name in LoLLMs' documents, no
// other, and a check for each that its equivalent does what the row says.

import t from 'tap';
import { callbacks } from './lollms-callback-checks.js';
import { guide, llmBinding } from './lollms-checks.js';
import { type Check, page } from './lollms-setup.js';

const sections: Record<string, Record<string, Check>> = {
  LLMBinding: llmBinding,
  'The guide': guide,
  Callbacks: callbacks,
};

const rowsOf = (heading: string): string[] => {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| `(.+?)` \|/gm)].map(([, name]) => name as string);
};

for (const [heading, checks] of Object.entries(sections)) {
  t.test(`every row under ${heading} has a check, and holds`, async (t) => {
    t.same(rowsOf(heading), Object.keys(checks));
    for (const [name, check] of Object.entries(checks)) {
      await t.test(name, async (t) => {
        await check(t);
      });
    }
  });
}

t.test('the page has no other tables, and no name of the documents is missing', async (t) => {
  t.same(
    [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading),
    Object.keys(sections),
  );
  const names = new Set(Object.keys(sections).flatMap(rowsOf));
  // Method, class and parameter names of the documents, spelled as there.
  const documented = `install build_model get_model_path generate tokenize detokenize load_binding_config
    save_config_file list_models get_current_seed reinstall_pytorch_with_cuda BindingBuilder ModelBuilder
    binding_dir lollms_paths config binding_config installation_option
    SAFE_STORE_SUPPORTED_FILE_EXTENSIONS prompt n_predict callback verbose gpt_params tokens_list path
    get_available_models generate_with_images images embed settings_updated info warning error success
    trace_exception MSG_OPERATION_TYPE BindingType InstallOption TypedConfig ConfigTemplate BaseConfig
    LOLLMSConfig LollmsPaths lollmsCom supported_file_extensions progress tokens_generated max_tokens
    token_count finish_reason temperature chunk op_type metadata`;
  for (const name of documented.trim().split(/\s+/)) t.ok(names.has(name), name);
});
