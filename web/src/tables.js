// Tables of the report: one shown out of several by a list to choose from, and rows sorted by a column.

/** `<select data-chooses="name">` shows the one of the elements with data-choice="name" whose data-value it has. */
export function chooseTables() {
  document.querySelectorAll("select[data-chooses]").forEach((select) => {
    const choices = [...document.querySelectorAll("[data-choice]")]
      .filter((each) => each.dataset.choice === select.dataset.chooses);
    const show = () => choices.forEach((each) => { each.hidden = each.dataset.value !== select.value; });
    select.addEventListener("change", show);
    select.closest(".chooser").hidden = false; // hidden where no script could follow it
    show();
  });
}

/** Headings of `table.sortable` become buttons that sort the rows, the largest first. */
export function sortTables() {
  document.querySelectorAll("table.sortable").forEach((table) => {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      if (heading.querySelector(".unseen")) return; // a column of pictures
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const direction = heading.getAttribute("aria-sort") === "descending" ? "ascending" : "descending";
        headings.forEach((each) => each.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", direction);
        const body = table.tBodies[0];
        const sign = direction === "ascending" ? 1 : -1;
        body.append(...[...body.rows].sort((a, b) => sign * compare(value(a, column), value(b, column))));
      });
    });
  });
}

function value(row, column) {
  return row.cells[column].textContent.replaceAll(",", "");
}

function compare(a, b) {
  return a !== "" && b !== "" && Number.isFinite(a - b) ? a - b : a.localeCompare(b);
}
