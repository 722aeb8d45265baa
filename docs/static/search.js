// Ranks the sections of the pages by what they say. SECTIONS, of docs/sections.py: page, its title, the section's title, anchor, words.
const APPENDIX = /^(9\d|from_c|differences)/;

function rankedSections(terms) {
  const sizes = SECTIONS.map(section => Object.values(section[4]).reduce((sum, count) => sum + count, 0));
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  const weights = terms.map(term => {
    const having = SECTIONS.filter(section => Object.hasOwn(section[4], term)).length;
    return Math.log(1 + (SECTIONS.length - having + 0.5) / (having + 0.5));
  });
  const best = new Map();  // the best section of each page
  SECTIONS.forEach(([page, pageTitle, title, anchor, counts], number) => {
    let score = 0, found = 0;
    terms.forEach((term, at) => {
      const count = Object.hasOwn(counts, term) ? counts[term] : 0;
      if (!count) return;
      found += 1;
      score += weights[at] * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * sizes[number] / mean));
    });
    if (!found) return;
    score *= (found / terms.length) ** 3 * (APPENDIX.test(page) ? 0.5 : 1);
    if (!best.has(page) || best.get(page).score < score)
      best.set(page, { page, title: title === pageTitle ? title : `${pageTitle} > ${title}`, anchor, score });
  });
  return [...best.values()].sort((one, other) => other.score - one.score);
}

document.addEventListener("DOMContentLoaded", () => {
  const usual = Search.performTermsSearch;
  Search.performTermsSearch = (terms, excluded) => {
    const ranked = rankedSections([...terms]).slice(0, 12);
    const pages = new Set(ranked.map(section => section.page));
    const others = usual.call(Search, terms, excluded).filter(result => !pages.has(result[0]));
    const kind = others.length ? others[0][6] : "text";
    const files = new Map(Search._index.docnames.map((page, at) => [page, Search._index.filenames[at]]));
    return [...others, ...ranked.map(({ page, title, anchor }, rank) =>
      [page, title, `#${anchor}`, null, 20 - rank, files.get(page), kind])];
  };
});
