// Ranks the sections of the pages by what they say. SECTIONS, of docs/sections.py, has the titles of the pages; for each section
// its page, title, anchor, number of words, and the words of its title; and for each word the sections, counted from the one before,
// with how often they have it.
const PRIOR = [[/^(9\d|from_c|differences|index$|01a)/, 0.5], [/^(22|24_|25|26)/, 1.3], [/^24a/, 1.1]];  // appendices and lists; pages that answer questions

// Words that say little about what is asked for, and words that people use for one another. All as the stemmer leaves them.
const LITTLE = new Set("how do doe did i my me own you your we can could should what which who whi when where vs versus or python socket litsock use get make find so".split(" "));
const ALIKE = [
  "own my", "receiv recv read", "send sent write", "wait block", "sniff captur", "fast faster speed quick", "dns getaddrinfo resolv lookup",
  "retransmiss retransmit", "rtt round-trip", "rst reset", "fd descriptor", "nic interfac devic", "concurr thread", "epoll poll select selector",
  "non nonblock", "nonblock non-block", "peer remot", "disconnect close closed end", "http web", "bytes byte", "loss lose lost", "mac ethernet", "reus reuseaddr",
].map(words => words.split(" "));

const alike = term => ALIKE.filter(words => words.includes(term)).flat().filter(word => word !== term);

// In which sections a word is, and how often.
const places = new Map();
function sectionsWith(word) {
  if (!places.has(word)) {
    const base = SECTIONS.most + 1, found = Object.hasOwn(SECTIONS.words, word) ? SECTIONS.words[word] : [];
    let section = 0;
    places.set(word, new Map(found.map(number => [section += Math.floor(number / base), number % base])));
  }
  return places.get(word);
}

function rankedSections(terms) {
  const rows = SECTIONS.rows;
  const mean = rows.reduce((sum, row) => sum + row[3], 0) / rows.length;
  const telling = terms.filter(term => !LITTLE.has(term));
  const wanted = telling.length ? telling : terms;
  const others = new Map(terms.map(term => [term, alike(term)]));
  const weights = terms.map(term => {
    const having = sectionsWith(term).size;
    return Math.log(1 + (rows.length - having + 0.5) / (having + 0.5)) * (wanted.includes(term) ? 1 : 0.3);
  });
  const best = new Map();  // the best section of each page
  rows.forEach(([page, title, anchor, size, named], number) => {
    let score = 0, found = 0, inTitle = 0;
    terms.forEach((term, at) => {
      const count = Math.max(sectionsWith(term).get(number) || 0, ...others.get(term).map(other => 0.6 * (sectionsWith(other).get(number) || 0)));
      if (!count) return;
      if (wanted.includes(term)) {
        found += 1;
        inTitle += named.includes(term) ? 1 : others.get(term).some(other => named.includes(other)) ? 0.6 : 0;
      }
      score += weights[at] * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * size / mean));
    });
    if (!found) return;
    score *= (found / wanted.length) ** 3 * (1 + inTitle / wanted.length);
    PRIOR.forEach(([pages, factor]) => { if (pages.test(page)) score *= factor; });
    const pageTitle = SECTIONS.pages[page];
    if (!best.has(page) || best.get(page).score < score)
      best.set(page, { page, title: title === pageTitle ? title : `${pageTitle} > ${title}`, anchor, score });
  });
  return [...best.values()].sort((one, other) => other.score - one.score);
}

document.addEventListener("DOMContentLoaded", () => {
  const usual = Search.performTermsSearch, parse = Search._parseQuery;
  let numbers = [];  // which Sphinx leaves out, though people look for error numbers
  Search._parseQuery = query => {
    numbers = query.match(/\b\d+\b/g) || [];
    return parse.call(Search, query);
  };
  Search.performTermsSearch = (terms, excluded) => {
    const ranked = rankedSections([...new Set([...terms, ...numbers])]).slice(0, 12);
    const pages = new Set(ranked.map(section => section.page));
    const others = usual.call(Search, terms, excluded).filter(result => !pages.has(result[0]));
    const kind = others.length ? others[0][6] : "text";
    const files = new Map(Search._index.docnames.map((page, at) => [page, Search._index.filenames[at]]));
    return [...others, ...ranked.map(({ page, title, anchor }, rank) =>
      [page, title, `#${anchor}`, null, 20 - rank, files.get(page), kind])];
  };
});
