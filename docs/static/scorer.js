// The search puts what answers a question first: a chapter before an appendix, a list or a history that has the same words.
var Scorer = {
  score: ([page, title, anchor, description, score]) => score - (/^(9\d|CHANGELOG|CONTRIBUTING|mapping|from_c|reference\/constants)/.test(page) ? 6 : 0),
  objNameMatch: 11,
  objPartialMatch: -4,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
