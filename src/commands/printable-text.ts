/** A text without what would move a terminal's cursor or change its colours: a model may write anything. */
export const printableText = (text: string): string => text.replace(/[^\P{C}\n\t\u00ad\u200d]/gu, "\ufffd");
