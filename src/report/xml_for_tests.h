// Reads a fragment of XML and says where it is not well-formed: enough of XML to hold what reports write. Not for
// anything but tests.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace unfrag::report {

struct XmlElement {
  std::string name;
  std::map<std::string, std::string> attributes{};
};

class XmlForTests {
 public:
  explicit XmlForTests(std::string_view source) : left_(source) {
    while (problem.empty() && !left_.empty()) left_.front() == '<' ? read_tag() : read_text();
    if (problem.empty() && !open_.empty()) problem = "not closed: " + open_.back();
  }

  std::string problem;               ///< Empty where it is well-formed.
  std::vector<XmlElement> elements;  ///< In order.
  std::string text;                  ///< Of all elements, unescaped.

  [[nodiscard]] size_t count(std::string_view name) const {
    size_t found = 0;
    for (const XmlElement& element : elements) found += element.name == name ? 1 : 0;
    return found;
  }

 private:
  void read_text() {
    const std::string_view run = take(left_.find('<'));
    text += unescaped(run);
    if (open_.empty() && run.find_first_not_of(" \n") != std::string_view::npos) problem = "text outside";
  }

  void read_tag() {
    take(1);
    if (left_.starts_with('/')) return close_tag();
    XmlElement element{std::string(take(left_.find_first_of(" />")))};
    while (left_.starts_with(' ')) {
      take(1);
      read_attribute(element);
    }
    const bool empty = left_.starts_with('/');
    if (empty) take(1);
    if (!left_.starts_with('>')) return fail("a tag does not end: " + element.name);
    take(1);
    if (!empty) open_.push_back(element.name);
    elements.push_back(std::move(element));
  }

  void close_tag() {
    take(1);
    const std::string name(take(left_.find('>')));
    take(1);
    if (open_.empty() || open_.back() != name) return fail("closed, but not open: " + name);
    open_.pop_back();
  }

  void read_attribute(XmlElement& element) {
    const std::string name(take(left_.find_first_of("=> ")));
    if (!left_.starts_with("=\"")) return fail("no value: " + name);
    take(2);
    const std::string_view value = take(left_.find('"'));
    if (left_.empty() || value.find('<') != std::string_view::npos) return fail("a value does not end: " + name);
    take(1);
    if (!element.attributes.emplace(name, unescaped(value)).second) fail("twice: " + name);
  }

  std::string unescaped(std::string_view run) {
    std::string plain;
    for (size_t at = 0; at < run.size(); ++at) {
      if (run[at] == '&') {
        const std::string_view entity = run.substr(at, run.find(';', at) - at + 1);
        if (!kEntities.contains(entity)) {
          fail("no entity: " + std::string(entity.substr(0, 20)));
          return plain;
        }
        plain += kEntities.at(entity);
        at += entity.size() - 1;
      } else {
        if (static_cast<unsigned char>(run[at]) < ' ' && run[at] != '\n') fail("a control character");
        plain += run[at];
      }
    }
    return plain;
  }

  std::string_view take(size_t count) {
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(taken.size());
    return taken;
  }
  void fail(std::string what) {
    if (problem.empty()) problem = std::move(what);
  }

  inline static const std::map<std::string_view, char> kEntities = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
  std::string_view left_;
  std::vector<std::string> open_;
};

}  // namespace unfrag::report
