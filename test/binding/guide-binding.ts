// The binding of LoLLMs' guide for developers of bindings, translated line by line.

import { defaultModelPath, LLaMa } from 'autocog-lm';
import {
  BaseConfig,
  type CallbackMetadata,
  ConfigTemplate,
  type GenerateOptions,
  type GenerationCallback,
  InstallOption,
  LLMBinding,
  type LLMBindingOptions,
  MSG_OPERATION_TYPE,
  TypedConfig,
} from 'autocog-lm/binding';
import t from 'tap';

const {
  MSG_OPERATION_TYPE_ADD_CHUNK,
  MSG_OPERATION_TYPE_REPLACE_LAST,
  MSG_OPERATION_TYPE_NEW_LINE,
} = MSG_OPERATION_TYPE;

/** The `model` of the guide: a stream of texts. */
interface Model {
  streamGenerate(prompt: string): AsyncIterable<string>;
}

interface Chunk {
  type: 'text' | 'correction' | 'newline';
  text: string;
  previous?: string;
  finishReason?: 'eog';
}

// 2.2 Configuration
const template = new ConfigTemplate([
  { name: 'apiKey', type: 'str', value: '', help: 'API key' },
  { name: 'temperature', type: 'float', value: 0.7, min: 0.0, max: 1.0 },
  // Add more configuration parameters
]);

// 2.1 Base class, and 4.1 Create basic structure
export class YourBinding extends LLMBinding {
  model: Model | undefined;
  lm: LLaMa | undefined;
  installed = 0;
  readonly settings: TypedConfig<(typeof template)['entries']>;

  constructor({
    config,
    modelsDir,
    installation = InstallOption.INSTALL_IF_NECESSARY,
    communicator,
  }: LLMBindingOptions = {}) {
    const bindingConfig = new TypedConfig(template, new BaseConfig({}));
    super({
      bindingDir: t.testdirName,
      modelsDir,
      config,
      bindingConfig,
      installation,
      supportedFileExtensions: [''],
      communicator,
    });
    this.settings = bindingConfig;
  }

  // 4.2 Implement required methods
  override async buildModel(modelName?: string): Promise<this> {
    await super.buildModel(modelName);
    // Your model initialization code
    const lm = await LLaMa.load(defaultModelPath, { threads: 1 });
    this.lm = lm;
    this.model = {
      async *streamGenerate(prompt) {
        for await (const { text } of lm.stream(prompt, { maxTokens: 24 })) yield text;
      },
    };
    return this;
  }

  override async destroyModel(): Promise<void> {
    await this.lm?.close();
  }

  // Callbacks, 1. Basic callback usage
  override async generate(prompt: string, options: GenerateOptions = {}): Promise<string> {
    const { callback } = options;
    let output = '';
    try {
      // Example streaming response
      for await (const chunk of this.#model.streamGenerate(prompt)) {
        if (callback !== undefined) {
          // Call callback with chunk and operation type
          // If callback returns False, stop generation
          if (callback(chunk, MSG_OPERATION_TYPE_ADD_CHUNK, noMetadata) === false) break;
        }
        output += chunk;
      }
    } catch (ex) {
      this.error(ex as Error);
    }
    return output;
  }

  // Callbacks, 3. Callback with progress updates
  async generateWithProgress(
    prompt: string,
    nPredict = 128,
    callback?: GenerationCallback,
  ): Promise<string> {
    let output = '';
    let tokensGenerated = 0;
    try {
      for await (const chunk of this.#model.streamGenerate(prompt)) {
        tokensGenerated += (await this.tokenize(chunk)).length;
        if (callback !== undefined) {
          // Include progress information
          const metadata = {
            progress: tokensGenerated / nPredict,
            tokensGenerated,
            maxTokens: nPredict,
            tokenCount: (await this.tokenize(chunk)).length,
          };
          if (callback(chunk, MSG_OPERATION_TYPE_ADD_CHUNK, metadata) === false) break;
        }
        output += chunk;
        // Check token limit
        if (tokensGenerated >= nPredict) {
          // Best practices, 5. Respect token limits
          callback?.('', MSG_OPERATION_TYPE_ADD_CHUNK, { ...noMetadata, finishReason: 'length' });
          break;
        }
      }
    } catch (ex) {
      this.error(ex as Error);
    }
    return output;
  }

  // 5.1 Image support, and Callbacks, 2. Advanced callback usage
  override async generateWithImages(
    _prompt: string,
    images: readonly string[] = [],
    { callback }: GenerateOptions = {},
  ): Promise<string> {
    let output = '';
    try {
      // Process response stream
      for (const chunk of responsesTo(images)) {
        // Add new chunk
        if (chunk.type === 'text') {
          if (callback !== undefined) {
            // Send chunk with metadata
            const metadata: CallbackMetadata = {
              ...noMetadata,
              tokenCount: (await this.tokenize(chunk.text)).length,
              ...(chunk.finishReason === undefined ? {} : { finishReason: chunk.finishReason }),
            };
            if (callback(chunk.text, MSG_OPERATION_TYPE_ADD_CHUNK, metadata) === false) break;
          }
          output += chunk.text;
        }
        // Replace last chunk (e.g., for word corrections)
        else if (chunk.type === 'correction') {
          if (callback?.(chunk.text, MSG_OPERATION_TYPE_REPLACE_LAST, noMetadata) === false) break;
          output = output.slice(0, -(chunk.previous ?? '').length) + chunk.text;
        }
        // Add new line
        else {
          if (callback?.('\n', MSG_OPERATION_TYPE_NEW_LINE, noMetadata) === false) break;
          output += '\n';
        }
      }
    } catch (ex) {
      this.error(ex as Error);
    }
    return output;
  }

  override async tokenize(text: string): Promise<Int32Array> {
    return this.#lm.tokenize(text);
  }

  override async detokenize(tokens: Int32Array | readonly number[]): Promise<string> {
    return this.#lm.detokenize(Int32Array.from(tokens));
  }

  override async listModels(): Promise<string[]> {
    return ['your-model'];
  }

  // 4.3 Installation support
  override async install(): Promise<void> {
    await super.install();
    this.installed++;
  }

  // 5.2 Embedding support
  override embed(text: string): Promise<Float32Array>;
  override embed(texts: readonly string[]): Promise<Float32Array[]>;
  override async embed(input: string | readonly string[]): Promise<Float32Array | Float32Array[]> {
    const { embeddings } = await this.#lm.embed(typeof input === 'string' ? [input] : input);
    return typeof input === 'string' ? (embeddings[0] as Float32Array) : embeddings;
  }

  // 6.2 Configuration validation
  override async settingsUpdated(): Promise<void> {
    if (this.settings.values.apiKey === '') this.error('API key not set!');
    else await this.buildModel();
  }

  get #model(): Model {
    if (this.model === undefined) throw new Error('No model');
    return this.model;
  }

  get #lm(): LLaMa {
    if (this.lm === undefined) throw new Error('No model');
    return this.lm;
  }
}

const noMetadata: CallbackMetadata = { tokensGenerated: 0, maxTokens: 128, tokenCount: 0 };

function responsesTo(images: readonly string[]): Chunk[] {
  return [
    { type: 'text', text: 'A ct' },
    { type: 'correction', text: 'cat', previous: 'ct' },
    { type: 'newline', text: '\n' },
    { type: 'text', text: `in ${images.length} image`, finishReason: 'eog' },
  ];
}
