//! SVG as a text that grows (SVG 1.1, nothing outside of the file).

use super::escape;

/// A drawing: a document of its own, or a part of a page of HTML.
///
/// What is told by colour is told in words, too. The ground has the class `ground` and lines have the class `line`, for
/// pages that are dark at night.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    text: String,
}

impl Drawing {
    /// Returns an empty drawing of this size in pixels.
    #[must_use]
    pub fn new(width: usize, height: usize, title: &str) -> Self {
        Drawing {
            text: format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n<title>{}</title>\n<rect class=\"ground\" width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n",
                escape(title)
            ),
        }
    }

    /// Draws a line from left to right that is level at both ends.
    pub fn line(&mut self, from: (usize, usize), to: (usize, usize)) {
        let middle = (from.0 + to.0) / 2;
        self.text.push_str(&format!(
            "<path class=\"line\" d=\"M{} {}C{middle} {} {middle} {} {} {}\" fill=\"none\" stroke=\"#999999\" stroke-width=\"0.7\"/>\n",
            from.0, from.1, from.1, to.1, to.0, to.1
        ));
    }

    /// Draws a box.
    pub fn rectangle(&mut self, place: (f64, f64), size: (f64, f64), fill: &str, title: &str) {
        self.text.push_str(&format!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\" stroke=\"#555555\" stroke-width=\"0.7\"><title>{}</title></rect>\n",
            place.0,
            place.1,
            size.0,
            size.1,
            escape(fill),
            escape(title)
        ));
    }

    /// Writes a text that begins at `place`.
    pub fn word(&mut self, place: (f64, f64), text: &str) {
        self.text.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
            place.0,
            place.1,
            escape(text)
        ));
    }

    /// Makes what `inside` draws a link.
    pub fn link(&mut self, to: &str, inside: impl FnOnce(&mut Drawing)) {
        self.text.push_str(&format!("<a href=\"{}\">", escape(to)));
        inside(self);
        self.text.push_str("</a>\n");
    }

    /// Returns the SVG.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}
