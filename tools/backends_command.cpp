// SPDX-License-Identifier: MIT
//
// rill-io backends: which are compiled in, which can be used now, and if not why.

#include "backend_choice.hpp"
#include "backend_options.hpp"
#include "command.hpp"
#include "standard_streams.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace rill::io::tools {

namespace {

struct Row {
    std::string_view name;
    std::string_view state;
    std::string why;
};

template <class B>
Row row_of() {
    if constexpr (!B::drives_itself)
        return {B::name, "compiled in", "driven by a host program, such as a plugin's; not by this one"};
    else if (const auto available = B::available(); !available)
        return {B::name, available.error().code == Errc::not_installed ? "not installed" : "not running",
                available.error().text};
    else if constexpr (has_devices<B>)
        return {B::name, "running", ""};
    else
        return {B::name, "ready",
                renders_files<B> ? "plays to and captures from files" : "a clock without a device"};
}

} // namespace

Outcome list_backends(const Options& options) {
    std::vector<Row> rows;
    for_each_backend(EnabledBackends{}, [&]<class B>() { rows.push_back(row_of<B>()); });
    for (const std::string_view name : EnabledBackends::missing)
        rows.push_back({name, "not compiled in", "its library was not there when this program was built"});

    std::vector<JsonObject> objects;
    for (const Row& row : rows) {
        const bool usable = row.state == "running" || row.state == "ready";
        if (options.json)
            objects.push_back(JsonObject{}
                                  .add("name", row.name)
                                  .add("compiled_in", row.state != "not compiled in")
                                  .add("usable", usable)
                                  .add("state", row.state)
                                  .add("message", row.why));
        else
            print_text(fmt::format("{:10} {:15} {}\n", row.name, row.state, row.why));
    }
    if (options.json)
        print_text(JsonObject{}.add("backends", objects).add("result", "ok").text() + "\n");
    return {};
}

} // namespace rill::io::tools
