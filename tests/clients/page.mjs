// The live page in as much of a browser as it uses: which month it shows, and what becomes of a session that ends.

import assert from "node:assert/strict";
import fs from "node:fs";
import vm from "node:vm";

const element = (id) => ({
  id, hidden: id === "over", on: {}, children: [], classList: { toggle() {} },
  addEventListener(name, listener) { this.on[name] = listener; },
  append() {}, replaceChildren() {}, createTHead: () => element(), createTBody: () => element(), insertRow: () => element(),
});

class EventSource {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 2;
  static all = [];
  readyState = EventSource.OPEN;
  on = {};
  constructor(url) { this.url = url; EventSource.all.push(this); }
  addEventListener(name, listener) { this.on[name] = listener; }
  close() { this.readyState = EventSource.CLOSED; }
  static get last() { return EventSource.all.at(-1); }
}

const elements = {};
const asked = [];
const browser = {
  session: true, address: "", later: null,
  EventSource, URLSearchParams,
  location: { search: "?month=2017-07" },
  history: { replaceState: (_state, _title, address) => { browser.address = address; } },
  window: element("window"),
  document: {
    getElementById: (id) => (elements[id] ??= element(id)),
    createElement: element,
    createDocumentFragment: element,
  },
  setInterval() {},
  setTimeout: (work) => { browser.later = work; },
  fetch: async (address) => {
    asked.push(address);
    if (address === "/session") return { ok: browser.session };
    return { ok: true, json: async () => ({ from: address.match(/from=([\d-]+)/)[1], lines: [] }) };
  },
};
const settled = async () => { for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate); };
const stands = () => [EventSource.last.url, document.getElementById("over").hidden];
const document = browser.document;

vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), vm.createContext(browser));
await settled();
assert.deepEqual(asked, ["/session", "/public/record?from=2017-07-01&to=2017-08-01"]);
assert.equal(browser.address, "?month=2017-07");
assert.deepEqual(stands(), ["/stream", true]);

browser.session = false; // the token has run out: the stream says so and ends
EventSource.last.on.expired();
await settled();
assert.deepEqual(stands(), ["/public/stream", false]);

browser.session = true; // another session was opened in /docs
browser.window.on.focus();
await settled();
assert.deepEqual(stands(), ["/stream", true]);

browser.session = false; // a service that was started again knows no session of before: the stream is refused
EventSource.last.close();
EventSource.last.on.error();
browser.later();
await settled();
assert.deepEqual(stands(), ["/public/stream", false]);
assert.equal(EventSource.all.filter((one) => one.readyState === EventSource.OPEN).length, 1);
console.log("the live page ends, says and renews its session");
