// Draws the charts of the report from the figures in the page. Everything that was computed was computed before.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  // Okabe & Ito's colours, told apart by all kinds of eyes; dashes and shapes say the same once more.
  const colours = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#b8a800"];
  const dashes = [[], [8, 4], [2, 3], [8, 3, 2, 3], [12, 4], [4, 4], [1, 4], [10, 2]];
  const shapes = ["circle", "rect", "triangle", "rectRot", "star", "cross", "crossRot", "dash"];
  // Tol's muted colours: a stage must not look like an approach.
  const stageColours = ["#332288", "#88ccee", "#44aa99", "#117733", "#ddcc77", "#cc6677", "#882255", "#aaaaaa"];
  const colour = (i) => colours[i % colours.length];
  // Where the colours begin anew, they come with other dashes and shapes.
  const again = (i) => i + 3 * Math.floor(i / colours.length);
  const dash = (i) => dashes[again(i) % dashes.length];
  const shape = (i) => shapes[again(i) % shapes.length];
  const charts = [];
  // What an approach looks like is its own, whichever charts it is missing from.
  data.approaches.forEach((approach, i) => { approach.index = i; });
  const having = (name) => data.approaches.filter((a) => a[name] !== null && a[name].length !== 0);

  const line = (approach, points, more = {}, i = approach.index) => ({
    label: approach.name, data: points, borderColor: colour(i), backgroundColor: colour(i), borderDash: dash(i),
    borderWidth: 2, pointRadius: points.length < 3 ? 4 : 0, pointStyle: shape(i), showLine: true, tension: 0, order: -i, ...more,
  });
  const axis = (text, more = {}) => ({ title: { display: true, text }, ...more });
  // A short line of the approach's colour that says nothing of its own in the legend or when pointed at.
  const bar = (approach, from, to) => ({ label: "", data: [from, to], borderColor: colour(approach.index), borderWidth: 3, pointRadius: 0,
                                         pointHitRadius: 0, showLine: true });
  // Of a logarithmic axis: 1, 2 and 5 of each power of ten.
  const round = (value) => [1, 2, 5].includes(Math.round(value / 10 ** Math.floor(Math.log10(value) + 1e-9)))
    ? value.toLocaleString("en", { maximumSignificantDigits: 1 }) : null;
  const scatter = (datasets, x, y) => ({
    type: "scatter", data: { datasets },
    options: { animation: false, responsive: true, maintainAspectRatio: false, scales: { x, y }, datasets: { scatter: { clip: 8 } },
               interaction: { mode: "nearest", intersect: false },
               // Later approaches lie on top, so that dashes show over a line that they cover; the legend keeps its order.
               plugins: { legend: { reverse: true, labels: { filter: (item, chart) => item.text !== "" && !chart.datasets[item.datasetIndex].hidden_in_legend } }, tooltip: { filter: (item) => item.dataset.label !== "", callbacks: { label: (item) => `${item.dataset.label}: ${item.formattedValue}` } } } },
  });
  const points = (pairs) => pairs.map(([x, y]) => ({ x, y }));
  const diagonal = { label: "", data: [{ x: 0, y: 0 }, { x: 1, y: 1 }], borderColor: "#888888", borderDash: [3, 3], borderWidth: 1,
                     pointRadius: 0, showLine: true };
  const unitAxis = (text) => axis(text, { type: "linear", min: 0, max: 1 });

  // Bars of parts, one for each load that is shown.
  const loadBars = (names, part, x) => ({
    type: "bar",
    data: { labels: data.load.bars.map((bar) => bar.label),
            datasets: names.map((name, i) => [name, i]).filter(([, i]) => data.load.bars.some((bar) => part(bar, i) > 0)).map(([name, i]) => ({ label: name, data: data.load.bars.map((bar) => part(bar, i) ?? 0), backgroundColor: stageColours[i],
                                                borderColor: "#ffffff", borderWidth: { right: 1 } })) },
    options: { animation: false, indexAxis: "y", responsive: true, maintainAspectRatio: false,
               scales: { x: { ...x, stacked: true }, y: { stacked: true, ticks: { autoSkip: false } } } },
  });

  const builders = {
    load_latency() {
      const { load } = data;
      const some = (value) => value !== null;
      const shown = load.approaches.map((a, i) => ({ ...a, index: i })).filter((a) => a.points.length > 0 || a.capacity.some(some));
      const times = [...shown.flatMap((a) => a.points.flatMap(([, ...values]) => values)), load.bound].filter(some);
      // To 1, 2 or 5 times a power of ten, which the axis can name.
      const powers = (value) => [1, 2, 5, 10].map((digit) => digit * 10 ** Math.floor(Math.log10(value)));
      const lowest = Math.min(...times) / 1.05, highest = Math.max(...times) * 1.05;
      const bottom = Math.max(...powers(lowest).filter((tick) => tick <= lowest)), top = powers(highest).find((tick) => tick >= highest);
      const rates = shown.flatMap((a) => [...a.points.map(([rate]) => rate), ...a.capacity]).filter(some);
      const level = { label: load.level, data: [{ x: 0, y: load.bound }, { x: 1.03 * Math.max(...rates), y: load.bound }], borderColor: "#888888",
                      backgroundColor: "#888888", borderDash: [6, 4], borderWidth: 1.5, pointRadius: 0, pointStyle: "line", showLine: true };
      const sets = shown.flatMap((a) => {
        const at = (place) => a.points.filter((point) => point[place] !== null).map((point) => ({ x: point[0], y: point[place] }));
        const ends = a.capacity.filter(some);
        const area = { label: "", data: ends.map((x) => ({ x, y: top })), fill: "start", backgroundColor: `${colour(a.index)}33`, borderWidth: 0,
                       pointRadius: 0, pointHitRadius: 0, showLine: true };
        return [
          line(a, at(2), { label: `${a.name} ${load.quantile}`, pointRadius: 4 }),
          ...(load.quantile === "p50" ? [] : [line(a, at(1), { label: `${a.name} p50`, pointRadius: 3, borderWidth: 1, backgroundColor: "transparent" })]),
          ...(ends.length === 2 ? [area] : []),
          ...ends.map((x) => ({ ...bar(a, { x, y: bottom }, { x, y: top }), borderWidth: 1 })),
        ];
      });
      return scatter([...sets, ...(load.bound === null ? [] : [level])],
                     axis(`${load.rate}, queries a second`, { type: "linear", beginAtZero: true }),
                     axis("latency, ms", { type: "logarithmic", min: bottom, max: top, ticks: { callback: round } }));
    },
    load_time: () => loadBars(["waiting in the queue", "filling a batch", "service"], (bar, i) => [bar.wait, bar.filling, bar.service][i], axis("mean, ms")),
    load_batches: () => loadBars(data.load.batch_sizes, (bar, i) => bar.shares[i], axis("% of the images", { min: 0, max: 100 })),
    stages() {
      const stageColour = (stage, i) => stage === "unattributed" ? "#aaaaaa" : stageColours[i % (stageColours.length - 1)];
      return {
        type: "bar",
        data: {
          labels: data.approaches.map((a) => [a.name, a.total]),
          datasets: data.stages.map((stage, i) => ({ label: stage, data: data.approaches.map((a) => a.parts[stage] ?? 0), backgroundColor: stageColour(stage, i),
                                                     borderColor: "#ffffff", borderWidth: { right: 1 } })),
        },
        options: { animation: false, indexAxis: "y", responsive: true, maintainAspectRatio: false,
                   scales: { x: axis(`mean, ${data.time_unit}`, { stacked: true }), y: { stacked: true, ticks: { autoSkip: false } } } },
      };
    },
    distribution(logarithmic) {
      const sets = data.approaches.flatMap((a) => [
        line(a, points(a.distribution), { stepped: "before" }),
        { label: `${a.name} p50, p95, p99`, hidden_in_legend: true, data: a.quantiles.map((q) => ({ x: q.value, y: q.p })), borderColor: colour(a.index),
          backgroundColor: colour(a.index), pointStyle: shape(a.index), pointRadius: 5, showLine: false },
        ...a.quantiles.filter((q) => q.upper !== null).map((q) => bar(a, { x: q.lower, y: q.p }, { x: q.upper, y: q.p })),
      ]);
      return scatter(sets, axis(`total, ${data.time_unit}`, logarithmic ? { type: "logarithmic", ticks: { callback: round } } : { type: "linear" }), unitAxis("share of calls at or below"));
    },
    time() {
      const medians = data.approaches.flatMap((a) => a.over_time.map(([, y]) => y));
      const starts = data.generations.flatMap((x) => [{ x, y: Math.min(...medians) }, { x, y: Math.max(...medians) }, { x, y: NaN }]);
      const generations = { label: "", data: starts, borderColor: "#888888", borderDash: [2, 3], borderWidth: 1, pointRadius: 0, pointHitRadius: 0, showLine: true };
      return scatter([...data.approaches.map((a) => line(a, points(a.over_time), { pointRadius: a.over_time.length > 200 ? 0 : 2 })), generations],
                     axis("round"), axis(`median of total, ${data.time_unit}`));
    },
    tradeoff() {
      const sets = having("accuracy").flatMap((a) => [
        { label: a.name, data: [{ x: a.median, y: a.accuracy.value }], borderColor: colour(a.index), backgroundColor: colour(a.index),
          pointStyle: shape(a.index), pointRadius: 7, order: -a.index },
        bar(a, { x: a.median, y: a.accuracy.low }, { x: a.median, y: a.accuracy.high }),
        ...(a.median_interval ? [bar(a, { x: a.median_interval[0], y: a.accuracy.value }, { x: a.median_interval[1], y: a.accuracy.value })] : []),
      ]);
      return scatter(sets, axis(`median of total, ${data.time_unit}`, { type: "linear", beginAtZero: true }), axis("accuracy, %"));
    },
    roc() {
      return scatter([...having("roc").map((a) => line(a, points(a.roc))), diagonal], unitAxis("false positive rate"), unitAxis("true positive rate"));
    },
    precision_recall() {
      return scatter(having("precision_recall").map((a) => line(a, points(a.precision_recall))), unitAxis("recall"), unitAxis("precision"));
    },
    reliability() {
      return scatter([...having("reliability").map((a) => line(a, points(a.reliability), { pointRadius: 4 })), diagonal],
                     unitAxis("mean probability"), unitAxis("share positive"));
    },
  };
  // What a chart cannot do without.
  const needs = { stages: "parts", distribution: "distribution", time: "over_time", tradeoff: "accuracy" };

  const marks = (chart) => chart.data.datasets.reduce((sum, set, i) => sum + chart.getDatasetMeta(i).data.length, 0);
  const style = () => {
    const now = getComputedStyle(document.documentElement);
    Chart.defaults.color = now.getPropertyValue("--text").trim();
    Chart.defaults.borderColor = now.getPropertyValue("--line").trim();
    Chart.defaults.plugins.legend.labels.usePointStyle = true;
    Chart.defaults.font.family = "system-ui, sans-serif";
  };
  // With the arrow keys from point to point, as with the mouse.
  const step = (chart, by) => {
    const all = chart.data.datasets.flatMap((set, datasetIndex) => set.label === "" ? [] : set.data.map((_, index) => ({ datasetIndex, index })));
    const active = chart.getActiveElements()[0];
    const now = active ? all.findIndex((e) => e.datasetIndex === active.datasetIndex && e.index === active.index) : (by > 0 ? -1 : 0);
    const next = [all[(now + by + all.length) % all.length]];
    chart.setActiveElements(next);
    chart.tooltip.setActiveElements(next, { x: 0, y: 0 });
    chart.update();
  };
  const draw = () => {
    charts.splice(0).forEach((chart) => chart.destroy());
    style();
    for (const figure of document.querySelectorAll("figure[data-chart]")) {
      const canvas = figure.querySelector("canvas");
      if (canvas === null) continue;
      const ofLoad = figure.dataset.chart.startsWith("load_");
      if (!ofLoad && having(needs[figure.dataset.chart] ?? figure.dataset.chart).length === 0) {
        figure.querySelector(".chart").replaceWith("Nothing to draw: what was measured does not tell this.");
        continue;
      }
      // Two lines of text for each bar, and what stands around them.
      if (figure.dataset.chart === "stages") canvas.parentElement.style.height = `max(20rem, ${6 + 2.2 * data.approaches.length}rem)`;
      if (ofLoad && figure.dataset.chart !== "load_latency") canvas.parentElement.style.height = `max(20rem, ${6 + 2.2 * data.load.bars.length}rem)`;
      const chart = new Chart(canvas, builders[figure.dataset.chart](figure.dataset.logarithmic === "yes"));
      canvas.dataset.marks = String(marks(chart));
      canvas.onkeydown = (event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        step(chart, by);
      };
      charts.push(chart);
    }
  };
  for (const button of document.querySelectorAll("button[data-logarithmic]")) {
    button.addEventListener("click", () => {
      const figure = button.closest("figure");
      const on = figure.dataset.logarithmic !== "yes";
      figure.dataset.logarithmic = on ? "yes" : "no";
      button.setAttribute("aria-pressed", String(on));
      draw();
    });
  }
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.addEventListener("click", () => {
      const range = document.createRange();
      range.selectNodeContents(document.getElementById(button.dataset.copy));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    });
  }
  if (typeof Chart === "undefined") {
    for (const figure of document.querySelectorAll("figure .chart")) figure.textContent = "This stagemark was built without Chart.js.";
    return;
  }
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("beforeprint", draw);
  addEventListener("afterprint", draw);
})();
