import { render } from "preact";
import { takeTokenFromAddress } from "./api-client.js";
import { App } from "./app.js";

takeTokenFromAddress();
const root = document.getElementById("app")!;
root.textContent = "";
render(<App />, root);
