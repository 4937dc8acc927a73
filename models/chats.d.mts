export function renderChat(
  messages: readonly { role: string; content: string }[],
  options?: { addGenerationPrompt?: boolean },
): string;
