import { expect, test } from "@jest/globals";
import { html, Html } from "../../src/report/html.js";

test("values are escaped, for content and for quoted attributes", () => {
  const text = `</script><img src=x onerror="alert('1')">&amp;`;
  const escaped = "&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;";
  expect(html`<p title="${text}">${text}</p>`.markup).toBe(`<p title="${escaped}">${escaped}</p>`);
});

test("markup made by html goes in as it is, lists one after the other, null is nothing", () => {
  const items = ["a", "<b>"].map((item) => html`<li>${item}</li>`);
  expect(
    html`<ul>
        ${items}
      </ul>
      ${null}${3}${[]}${new Html("<hr />")}`.markup.replace(/>\s+/g, ">"),
  ).toBe("<ul><li>a</li><li>&lt;b&gt;</li></ul>3<hr />");
});

test("control characters and characters that reorder text become visible; line ends, emoji and accents stay", () => {
  expect(html`${"\u0000\u001b[31m\u202eabc\ud800"}`.markup).toBe("\ufffd\ufffd[31m\ufffdabc\ufffd");
  expect(html`${"é\tü\r\n👩\u200d💻 日本"}`.markup).toBe("é\tü\r\n👩\u200d💻 日本");
});
