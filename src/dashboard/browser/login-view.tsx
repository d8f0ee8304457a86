import type { JSX } from "preact";

/** Asks for the token that the dashboard was started with. */
export function LoginView({
  isWrong,
  onToken,
}: {
  readonly isWrong: boolean;
  readonly onToken: (token: string) => void;
}): JSX.Element {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onToken((event.currentTarget as HTMLFormElement).querySelector("input")!.value);
  };
  return (
    <form class="login" onSubmit={submit}>
      <h1>Token</h1>
      <p class="quiet">This dashboard was started with a token ($DRPO_DASHBOARD_TOKEN).</p>
      <label>
        Token
        <input name="token" type="password" autocomplete="current-password" required />
      </label>
      {isWrong && <p role="alert">That was another token.</p>}
      <button type="submit">Show the runs</button>
    </form>
  );
}
