// Help texts beyond the option lists that commander generates.

export const description = 'Exact log-probabilities and constrained choice over llama.cpp.';

const promptNotes = `
The prompt comes from --prompt, from --prompt-file, or from standard input unless that is a
terminal. One trailing newline of a file or of standard input is removed.`;

export const program = `
Exit codes: 0 success, 1 failure, 2 invalid usage, 130 interrupted.
Results go to standard output, everything else to standard error. NO_COLOR is respected.

Examples:
  $ autocog-lm demo
  $ autocog-lm choose -p 'The sky is' ' blue' ' green' ' red'
  $ autocog-lm choose --help`;

export const choose = `${promptNotes}

Choices are used exactly as typed, and a leading space matters: most models have " blue" as
one token. Choices that start with a dash go after --. A choice without tokens is an error
unless there is a terminator.

With --top or --tolerance, tokens that cannot change the result are not evaluated; choices that
are not fully evaluated get upper bounds as values. --prior '' compares with the unconditional
probability.

--json prints the complete result, with typed arrays as arrays and null for non-finite numbers:
the log-probability of an impossible choice, the margin of a single choice.

Examples:
  $ echo 'The capital of France is' | autocog-lm choose ' Paris' ' London' ' Berlin'
  $ autocog-lm choose -p 'Two and two make' --choices-file answers.txt --normalize tokens
  $ autocog-lm choose -p 'The capital of France is' --choices-file cities.txt --top 3
  $ autocog-lm choose -p 'The sky is' ' blue' ' green' --json | jq -r .text
  $ autocog-lm choose -p 'The sky is' ' blue' ' green' --dot | dot -Tsvg > tree.svg`;

export const decide = `
The state comes from --state, or from standard input unless that is a terminal. A file whose name
ends in .json holds JSON: messages with role and content, or any object or array. Any other is text,
without one trailing newline.

The questions are JSON: an object of questions by name, or an array of pairs of a name and a
question, each with a type (choice, score or boolean), instructions and criteria. For options whose
names look like numbers, criteria may be an array of pairs, too, which keeps their order.

--json prints the complete result, with null for non-finite numbers.

Examples:
  $ echo '{"tone":{"type":"choice","instructions":"Which tone?","criteria":["warm","cold"]}}' > q.json
  $ autocog-lm decide --state letter.txt --questions q.json
  $ autocog-lm decide --state chat.json --questions q.json --method labels --prior
  $ autocog-lm decide --state letter.txt --questions q.json --json | jq .answers.tone.choice`;

export const candidates = `${promptNotes}

Examples:
  $ autocog-lm candidates -p 'The capital of France is' -k 5
  $ autocog-lm candidates --prompt-file prompt.txt --json | jq '.candidates[0].text'`;

export const complete = `${promptNotes}

Without sampling options, decoding is greedy. With any of them, the others default to llama.cpp's
values: temperature 0.8, top-k 40, top-p 0.95, min-p 0.05.

Examples:
  $ autocog-lm complete 'The capital of France is' --max-tokens 8 --stop .
  $ autocog-lm complete -p 'The sky is' --temperature 0.7 --seed 1
  $ autocog-lm complete -p 'As JSON:' --json-schema-file answer.json
  $ autocog-lm complete -p 'The sky is' --json | jq -r .text`;

export const chat = `
At the prompt, ^C ends the chat. During generation, ^C stops it; then ENTER regenerates the
response. A \\ at the end of a line continues it on the next line, < sets the beginning of the
response, !! adds a system message, !help lists the commands.

Examples:
  $ autocog-lm chat -m model.gguf
  $ autocog-lm chat -m model.gguf --system 'Answer in rhymes.' --temperature 1.1
  $ autocog-lm chat -m base-model.gguf --format vicuna_common`;

export const run = `
The automaton is JSON: docs/automaton.md describes it. One with a cycle needs one of the limits
--max-thoughts, --max-tokens and --stop-after.

The first ^C stops the run, prints what is known so far and exits with code 130.

Examples:
  $ autocog-lm run form.json
  $ autocog-lm run form.json -m model.gguf --json | jq -r .best.text
  $ autocog-lm run form.json --graphviz | dot -Tsvg > thoughts.svg
  $ autocog-lm run form.json --random 7
  $ autocog-lm run fta.json --autocog --json > ftt.json`;

export const serve = `
Prints its URL and serves until ^C: then it stops accepting requests, finishes the running ones
and exits with code 0. A second ^C aborts the running requests.

Examples:
  $ autocog-lm serve -m model.gguf --port 8080
  $ AUTOCOG_API_KEY=secret autocog-lm serve -m model.gguf --host 0.0.0.0
  $ autocog-lm serve -m model.gguf --cors https://example.com --cors http://localhost:5173
  $ autocog-lm serve -m gemma.gguf --merge-system
  $ autocog-lm serve -m base.gguf --chat-template-file chat.jinja
  $ lm_eval --model local-completions --tasks piqa --model_args \\
      model=model,base_url=http://127.0.0.1:8080/v1/completions,tokenizer_backend=remote`;

export const tokenize = `${promptNotes}

Examples:
  $ autocog-lm tokenize 'The capital of France'
  $ autocog-lm tokenize --prompt-file prompt.txt --ids | wc -w`;

export const build = `
Needs a C++17 compiler, CMake and git, and reports what is missing. Options: autocog-lm build --help`;

export const info = `
Examples:
  $ autocog-lm info -m model.gguf
  $ autocog-lm info --metadata
  $ autocog-lm info --json | jq .vocab.size`;
