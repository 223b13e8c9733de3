// Hides and sorts the lines of the list of packages while a person types. The list is there without this script;
// the words of each line beside those it shows are in IGOS_TERMS (packages.js).
"use strict";
(() => {
  const input = document.getElementById("query");
  const count = document.getElementById("count");
  const body = document.querySelector("table.packages tbody");
  const lower = (text) => text.toLowerCase();
  const entries = Array.from(body.rows, (row, at) => ({
    row,
    at,
    name: lower(row.cells[0].textContent),
    description: lower(row.cells[3].textContent),
    others: lower(row.cells[1].textContent + " " + row.cells[2].textContent + " " + row.cells[4].textContent),
    terms: IGOS_TERMS[at].map((term) => [lower(term), term]),
  }));

  // What one word of the question is worth to one package, and the term that was hit where only a term was.
  const rate = (entry, word) => {
    if (entry.name === word) return [100, null];
    if (entry.name.startsWith(word)) return [60, null];
    if (entry.name.includes(word)) return [40, null];
    let best = [0, null];
    for (const [term, shown] of entry.terms) {
      const points = term === word ? 50 : term.startsWith(word) ? 20 : term.includes(word) ? 6 : 0;
      if (points > best[0]) best = [points, shown];
    }
    const at = entry.description.indexOf(word);
    if (at >= 0) {
      const points = at === 0 || entry.description[at - 1] === " " ? 25 : 8;
      if (points >= best[0]) return [points, null];
    }
    if (best[0] === 0 && entry.others.includes(word)) return [5, null];
    return best;
  };

  const search = () => {
    const words = lower(input.value).split(/\s+/).filter((word) => word !== "");
    const found = [];
    for (const entry of entries) {
      let sum = 0;
      const hits = [];
      for (const word of words) {
        const [points, hit] = rate(entry, word);
        if (points === 0) { sum = -1; break; }
        sum += points;
        if (hit !== null) hits.push(hit);
      }
      entry.row.hidden = sum < 0;
      const old = entry.row.querySelector(".hit");
      if (old !== null) old.remove();
      if (sum < 0) continue;
      found.push([sum, entry]);
      if (hits.length > 0) {
        const hit = document.createElement("span");
        hit.className = "hit";
        hit.textContent = "has " + hits.join(", ");
        entry.row.cells[3].append(hit);
      }
    }
    found.sort((a, b) => b[0] - a[0] || a[1].at - b[1].at);
    for (const [, entry] of found) body.append(entry.row);
    count.textContent = words.length === 0 ? "" : found.length + (found.length === 1 ? " package" : " packages");
    return found;
  };

  const asked = new URLSearchParams(location.search).get("q");
  if (asked !== null) input.value = asked;
  input.hidden = false;
  count.hidden = false;
  search();
  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      const [first] = search();
      if (first !== undefined && input.value.trim() !== "") location.href = first[1].row.querySelector("a").href;
    } else if (event.key === "Escape") {
      input.value = "";
      search();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== input) {
      event.preventDefault();
      input.focus();
    }
  });
  if (matchMedia("(pointer: fine)").matches) input.focus();
})();
