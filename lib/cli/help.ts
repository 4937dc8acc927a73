// The prose of --help: what no list of options says.

export const description = 'Exact log-probabilities and constrained choice over llama.cpp.';

const promptNotes = `
The prompt comes from --prompt, from --prompt-file, or from standard input if that is no
terminal. One line end at the end of a file or of standard input is not part of it.`;

export const program = `
Exit codes: 0 done, 1 it failed, 2 wrong usage, 130 interrupted.
Results go to standard output, all else to standard error. NO_COLOR is heeded.

Examples:
  $ autocog-lm demo
  $ autocog-lm choose -p 'The sky is' ' blue' ' green' ' red'
  $ autocog-lm choose --help`;

export const choose = `${promptNotes}

A choice is taken as typed, and a space at its beginning matters: most models know " blue"
as one token. Choices that begin with a dash go after --. A choice without tokens is an
error unless there is a terminator.

With --top or --tolerance tokens that cannot matter are not looked at; the values of choices
that are left open are upper bounds. --prior '' compares with the unconditional probability.

--json prints all that the call gives, with typed arrays as arrays and null for numbers
that are not finite: the log-probability of what is impossible, the margin of a sole choice.

Examples:
  $ echo 'The capital of France is' | autocog-lm choose ' Paris' ' London' ' Berlin'
  $ autocog-lm choose -p 'Two and two make' --choices-file answers.txt --normalize tokens
  $ autocog-lm choose -p 'The capital of France is' --choices-file cities.txt --top 3
  $ autocog-lm choose -p 'The sky is' ' blue' ' green' --json | jq -r .text
  $ autocog-lm choose -p 'The sky is' ' blue' ' green' --dot | dot -Tsvg > tree.svg`;

export const candidates = `${promptNotes}

Examples:
  $ autocog-lm candidates -p 'The capital of France is' -k 5
  $ autocog-lm candidates --prompt-file prompt.txt --json | jq '.candidates[0].text'`;

export const complete = `${promptNotes}

Without options of sampling the likeliest token is taken each time; with any of them, what the
others do not say is as in llama.cpp: temperature 0.8, top-k 40, top-p 0.95, min-p 0.05.

Examples:
  $ autocog-lm complete 'The capital of France is' --max-tokens 8 --stop .
  $ autocog-lm complete -p 'The sky is' --temperature 0.7 --seed 1
  $ autocog-lm complete -p 'As JSON:' --json-schema-file answer.json
  $ autocog-lm complete -p 'The sky is' --json | jq -r .text`;

export const chat = `
At the prompt: ^C ends the chat. While the model writes, ^C stops it, and ENTER then has it write
again. A \\ at the end of a line goes on in the next one, < gives what the answer begins with,
!! adds a system message, !help lists the commands.

Examples:
  $ autocog-lm chat -m model.gguf
  $ autocog-lm chat -m model.gguf --system 'Answer in rhymes.' --temperature 1.1
  $ autocog-lm chat -m base-model.gguf --format vicuna_common`;

export const serve = `
It says where it listens, and serves until ^C: then it takes no more requests, answers those
that run, and ends with exit code 0. A second ^C ends those, too.

Examples:
  $ autocog-lm serve -m model.gguf --port 8080
  $ AUTOCOG_API_KEY=secret autocog-lm serve -m model.gguf --host 0.0.0.0
  $ lm_eval --model local-completions --tasks piqa --model_args \\
      model=model,base_url=http://127.0.0.1:8080/v1/completions,tokenizer_backend=remote`;

export const tokenize = `${promptNotes}

Examples:
  $ autocog-lm tokenize 'The capital of France'
  $ autocog-lm tokenize --prompt-file prompt.txt --ids | wc -w`;

export const info = `
Examples:
  $ autocog-lm info -m model.gguf
  $ autocog-lm info --metadata
  $ autocog-lm info --json | jq .vocab.size`;
