// The live page: the record of a month, read again whenever some case changed. No figure is computed here.

const COLUMNS = [
  ["received", "Tiếp nhận", "Received"],
  ["carried over", "Kỳ trước", "Carried over"],
  ["solved", "Đã giải quyết", "Solved"],
  ["ahead", "Trước hạn", "Ahead"],
  ["on time", "Đúng hạn", "On time"],
  ["overdue", "Quá hạn", "Overdue"],
  ["open", "Đang giải quyết", "Open"],
  ["open overdue", "Đang quá hạn", "Open overdue"],
  ["waiting", "Chờ bổ sung", "Waiting"],
  ["undetermined", "Chưa xác định", "Undetermined"],
];
const KINDS = [
  ["organisation", "Cơ quan, tổ chức", "Organisations"],
  ["counter", "Trung tâm Hành chính công", "Counters"],
  ["department", "Phòng, Điện lực", "Departments"],
  ["team", "Đội công tác", "Teams"],
  ["agency", "Cơ quan phối hợp", "Agencies"],
];
const LATE = new Set(["overdue", "open overdue"]);
const $ = (id) => document.getElementById(id);

// "2017-07": the server leads to the newest month that has dossiers.
let shown = new URLSearchParams(location.search).get("month")?.match(/^\d{4}-(0[1-9]|1[0-2])$/)?.[0] ?? null;
let read = 0; // when the figures were read (ms)
let pending = false;
let reads = false; // whether this browser may open figures to their dossiers: POST /session
let stream;

function two(vi, en) {
  const box = document.createDocumentFragment();
  const small = document.createElement("small");
  small.lang = "en";
  small.textContent = en;
  box.append(vi, " ", small);
  return box;
}

function cell(tag, content, late) {
  const made = document.createElement(tag);
  made.append(content);
  if (late) made.className = "late";
  return made;
}

function figure(value, record, line, column) {
  if (!value) return "–";
  if (!reads) return String(value);
  const link = document.createElement("a");
  const asked = { from: record.from, to: record.to, kind: line.kind, line: line.unit, column };
  link.href = `/record/items?${new URLSearchParams(asked)}`;
  link.textContent = String(value);
  return link;
}

function draw(record) {
  const company = record.lines.find((line) => line.kind === "organisation");
  $("sums").replaceChildren(
    ...COLUMNS.map(([name, vi, en]) => {
      const box = document.createElement("div");
      const value = company ? company.figures[name] : 0;
      const shows = value ? figure(value, record, company, name) : "0";
      box.append(cell("dt", two(vi, en)), cell("dd", shows, LATE.has(name) && value > 0));
      return box;
    }),
  );
  $("tables").replaceChildren(
    ...KINDS.flatMap(([kind, vi, en]) => {
      const lines = record.lines.filter((line) => line.kind === kind);
      if (!lines.length) return [];
      const table = document.createElement("table");
      table.append(cell("caption", two(vi, en)));
      const head = table.createTHead().insertRow();
      head.append(cell("th", ""), ...COLUMNS.map(([, v, e]) => cell("th", two(v, e))));
      for (const th of head.children) th.scope = "col";
      const body = table.createTBody();
      for (const line of lines) {
        const row = body.insertRow();
        const name = cell("th", two(line.name.vi, line.unit));
        name.scope = "row";
        row.append(name);
        for (const [column] of COLUMNS) {
          const value = line.figures[column];
          row.append(cell("td", figure(value, record, line, column), LATE.has(column) && value > 0));
        }
      }
      const scroll = document.createElement("div");
      scroll.className = "scroll";
      scroll.tabIndex = 0;
      scroll.append(table);
      return [scroll];
    }),
  );
}

function month(text, by) {
  const [year, number] = text.split("-").map(Number);
  const date = new Date(Date.UTC(year, number - 1 + by, 1));
  return date.toISOString().slice(0, 7);
}

async function refresh() {
  pending = false;
  const query = shown ? `?from=${shown}-01&to=${month(shown, 1)}-01` : "";
  try {
    const answer = await fetch(`/public/record${query}`);
    if (!answer.ok) throw new Error(answer.status);
    const record = await answer.json();
    shown = record.from.slice(0, 7);
    $("month").value = shown;
    history.replaceState(null, "", `?month=${shown}`);
    draw(record);
    read = Date.now();
  } catch {
    // The age of the figures goes on rising, which says it.
  }
  age();
}

function soon() {
  if (!pending) {
    pending = true;
    setTimeout(refresh, 500);
  }
}

const STATES = [["Đang kết nối", "connecting"], ["Trực tiếp", "live"], ["Mất kết nối", "disconnected"]];

function age() {
  const state = stream?.readyState ?? EventSource.CONNECTING;
  const [vi, en] = STATES[state];
  $("age").classList.toggle("stale", state !== EventSource.OPEN && read > 0);
  if (!read) return $("age").replaceChildren(two(`${vi} …`, `${en} …`));
  const seconds = Math.round((Date.now() - read) / 1000);
  $("age").replaceChildren(two(`${vi} · số liệu cách đây ${seconds} giây`, `${en}, figures are ${seconds} s old`));
}

// With a session the stream is the one that ends with it.
function follow() {
  stream?.close();
  stream = new EventSource(reads ? "/stream" : "/public/stream");
  stream.addEventListener("case", soon);
  stream.addEventListener("open", soon);
  stream.addEventListener("expired", look);
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(look, 5000); // refused: the browser does not come again
  });
}

// Whether there is a session: it is over when there was one, and back when another was opened in /docs.
async function look() {
  const answer = await fetch("/session").catch(() => null);
  const had = reads;
  reads = answer?.ok ?? false;
  $("over").hidden = reads || ($("over").hidden && !had);
  if (reads !== had || !stream || stream.readyState === EventSource.CLOSED) follow();
  refresh();
}

window.addEventListener("focus", () => { if (!$("over").hidden) look(); });
$("month").addEventListener("change", () => { shown = $("month").value; refresh(); });
$("earlier").addEventListener("click", () => { shown = month(shown, -1); refresh(); });
$("later").addEventListener("click", () => { shown = month(shown, 1); refresh(); });
$("period").addEventListener("submit", (event) => event.preventDefault());
setInterval(age, 1000);
look();
