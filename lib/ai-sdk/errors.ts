// The AI SDK's errors. It recognizes them by marker symbols, so that they need not be its own classes,
// and this entry needs no other package at run time.

const error: unique symbol = Symbol.for('vercel.ai.error');
const noSuchModel: unique symbol = Symbol.for('vercel.ai.error.AI_NoSuchModelError');
const unsupported: unique symbol = Symbol.for('vercel.ai.error.AI_UnsupportedFunctionalityError');

class SdkError extends Error {
  readonly [error] = true;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** No model of that kind has that id: `NoSuchModelError` of the AI SDK. */
export class NoSuchModelError extends SdkError {
  readonly [noSuchModel] = true;
  readonly modelId: string;
  readonly modelType: string;

  constructor(modelId: string, modelType: string, message: string) {
    super('AI_NoSuchModelError', message);
    this.modelId = modelId;
    this.modelType = modelType;
  }
}

/** What the call asks for is not supported: `UnsupportedFunctionalityError` of the AI SDK. */
export class UnsupportedFunctionalityError extends SdkError {
  readonly [unsupported] = true;
  readonly functionality: string;

  constructor(functionality: string, message = `'${functionality}' functionality not supported.`) {
    super('AI_UnsupportedFunctionalityError', message);
    this.functionality = functionality;
  }
}
