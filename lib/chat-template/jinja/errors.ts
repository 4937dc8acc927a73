// Why a template cannot be parsed or rendered. `template.ts` reports them as NotSupportedError.

/** The template is not valid Jinja2, or uses a statement that is not supported. */
export class TemplateSyntaxError extends Error {}

/** Rendering failed where Jinja2 fails too, or where its result is not supported. */
export class TemplateError extends Error {}

/** Rendering was ended because it takes more than any honest template does. */
export class TemplateLimitError extends TemplateError {
  constructor(excess: string) {
    super(`it takes ${excess}, the limit for a template`);
  }
}

/** Thrown by a template's `raise_exception`, with the template's own message. */
export class TemplateRejection extends Error {}
