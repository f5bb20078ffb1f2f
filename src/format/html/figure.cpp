#include "format/html/figure.hpp"

namespace stagemark {

void write_figure(Page& page, const Figure& figure) {
  page.raw("<figure data-chart=\"").raw(figure.chart).raw("\">");
  page.element("h3", figure.title);
  if (figure.chart == "distribution") {
    page.raw(R"(<button type="button" data-logarithmic aria-pressed="false">logarithmic axis</button>)");
  }
  page.raw(R"(<div class="chart"><canvas role="img" tabindex="0" aria-label=")").text(figure.title).raw(". ");
  page.text(figure.description + figure.figures).raw("\"></canvas></div>");
  page.element("figcaption", figure.description).raw("</figure>\n");
}

}  // namespace stagemark
