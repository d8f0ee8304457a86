import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { RolloutDetail, Token } from "../api.js";
import { formatChange, formatNumber } from "./format.js";
import { colourClass, klOf, readable } from "./token-colour.js";

/**
 * The response token by token: the prefix shaded, the rest coloured by its KL. One stop of the Tab key; arrow keys go
 * from token to token, Enter resets after one.
 */
export function TokenList({
  rollout,
  cut,
  onCut,
}: {
  readonly rollout: RolloutDetail;
  /** Tokens that are kept. */
  readonly cut: number | null;
  readonly onCut: (cut: number) => void;
}): JSX.Element {
  const { tokens, prefixTokens, hasTexts } = rollout;
  const list = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const active = pointed ?? (cut === null ? prefixTokens : cut - 1);
  const place = Math.min(Math.max(active, 0), tokens.length - 1);
  const move = (event: KeyboardEvent) => {
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tokens.length - 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") onCut(place + 1);
    else if (next === undefined || next < 0 || next >= tokens.length) return;
    else list.current?.querySelectorAll<HTMLElement>("[role=option]")[next]?.focus();
    event.preventDefault();
  };
  return (
    <>
      {!hasTexts && <p class="note">This run did not keep the text of each token: these are token ids.</p>}
      <div
        class="tokens"
        ref={list}
        role="listbox"
        aria-label="Tokens of the response: choose one to reset after it"
        onKeyDown={move}
        onMouseLeave={() => setPointed(null)}
      >
        {tokens.map((token, i) => (
          <TokenSpan
            key={i}
            {...{
              token,
              isPrefix: i < prefixTokens,
              isKept: cut !== null && i < cut,
              isCut: cut === i + 1,
              isActive: i === place,
            }}
            onPoint={() => setPointed(i)}
            onChoose={() => onCut(i + 1)}
          />
        ))}
      </div>
      <div class="token-legend">
        <p class="numbers" aria-hidden="true">
          {tokens[place] && numbersOf(tokens[place], place)}
        </p>
        <p class="scale" aria-hidden="true">
          <span class="less-4">less</span>
          <span class="less-2" />
          <span>like SFT</span>
          <span class="more-2" />
          <span class="more-4">more</span> likely than under SFT
        </p>
      </div>
    </>
  );
}

const numbersOf = (token: Token, place: number): string => {
  const kl = klOf(token);
  const parts = [`token ${place + 1} ${readable(token.piece)} (id ${token.id})`];
  if (token.logprob === null) parts.push("prefix: given, not written");
  else parts.push(`log-prob ${formatNumber(token.logprob)}`);
  if (token.referenceLogprob !== null) parts.push(`SFT ${formatNumber(token.referenceLogprob)}`);
  if (kl !== null) parts.push(`KL ${formatChange(kl)}`);
  return parts.join(", ");
};

function TokenSpan({
  token,
  isPrefix,
  isKept,
  isCut,
  isActive,
  onPoint,
  onChoose,
}: {
  readonly token: Token;
  readonly isPrefix: boolean;
  readonly isKept: boolean;
  readonly isCut: boolean;
  readonly isActive: boolean;
  readonly onPoint: () => void;
  readonly onChoose: () => void;
}): JSX.Element {
  const kl = klOf(token);
  const classes = ["token", isPrefix ? "prefix" : colourClass(kl), isKept ? "kept" : "", isCut ? "cut" : ""];
  // Most often the end of sequence, which is no part of the text.
  const shown = token.piece === "" ? "\u2205" : token.piece;
  const told = isPrefix ? "prefix" : kl === null ? "" : `KL ${formatChange(kl)}`;
  return (
    <span
      class={classes.filter((one) => one !== "").join(" ")}
      role="option"
      aria-selected={isCut}
      aria-label={`${token.piece.trim() === "" ? readable(token.piece) : token.piece}, ${told}`}
      tabIndex={isActive ? 0 : -1}
      onFocus={onPoint}
      onMouseEnter={onPoint}
      onClick={onChoose}
    >
      {shown}
    </span>
  );
}
