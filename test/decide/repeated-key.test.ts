// Which key of an object in JSON is there twice, whatever the JSON.

import t from 'tap';
import { findRepeatedKey } from '../../lib/decide/repeated-key.js';

t.test('the path of the first repeated key', async (t) => {
  for (const [json, path] of [
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"😀":1,"\\ud83d\\ude00":2}', '["😀"]'],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
    ['[{"a":1,"a":2}]', '[0]["a"]'],
    ['{"q":[[],{"":"","":1}]}', 'q[1][""]'],
    ['{"a\\\\":1,"a":"\\\\","b":"{\\"a\\":1,","c":[{"a":1},"a","a",{},"a"]}', undefined],
    ['"a"', undefined],
  ] as const) {
    t.equal(await findRepeatedKey(json), path, json);
  }
});

t.test('a path stays short, however deep the key is and however long', async (t) => {
  const depth = 100_000;
  const twice = '{"a":1,"a":2}';
  const deep = `{"state":${'['.repeat(depth)}${twice}${']'.repeat(depth)}}`;
  const zeros = '[0]'.repeat(7);
  t.equal(await findRepeatedKey(deep), `state${zeros}…${zeros}["a"]`);
  const key = 'k'.repeat(1e6);
  t.equal(await findRepeatedKey(`{"${key}":1,"${key}":2}`), `["${'k'.repeat(60)}…"]`);
});
