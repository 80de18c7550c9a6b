// SPDX-License-Identifier: MIT
//
// bridge FOLDER: how a bridge's fill level and ratio go through a minute of drift, steps of it and xruns, in
// simulated time. Writes FOLDER/bridge.csv and FOLDER/bridge.svg.

#include "../../test/unit/bridge_simulation.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

namespace {

namespace io = rill::io;
using bridge_simulation::Settings;
using bridge_simulation::Simulation;
using Fault = io::null::Fault;

struct Row {
    double seconds = 0.0;
    double fill = 0.0;  ///< less the target, frames
    double ratio = 0.0; ///< ppm
    double drift = 0.0; ///< ppm, true
};

constexpr double end_s = 60.0;
constexpr double step_s = 0.05;

std::vector<Row> run() {
    const std::array capture_faults{Fault{Fault::Kind::xrun, 48000 * 40, 700}};
    const std::array playback_faults{Fault{Fault::Kind::xrun, 48000 * 50, 700}};
    Simulation simulation(
        {.jitter_s = 50e-6, .capture_faults = capture_faults, .playback_faults = playback_faults});
    std::vector<Row> rows;
    if (!simulation.opened())
        return rows;
    for (double now = step_s; now < end_s; now += step_s) {
        const double drift = now < 15.0 || now > 30.0 ? 1e-3 : -1e-3;
        simulation.set_drift(drift);
        if (!simulation.run_until(now))
            break;
        const io::BridgeInfo info = simulation.info();
        if (info.locked)
            rows.push_back({now, info.fill_frames - info.target_frames, info.ratio_ppm, drift * 1e6});
    }
    return rows;
}

/// One curve in a frame of its own.
void plot(std::FILE* file, const std::vector<Row>& rows, double Row::* value, double top, double limit,
          const char* title, const char* colour) {
    constexpr double left = 70.0;
    constexpr double width = 900.0;
    constexpr double height = 200.0;
    const auto x = [](double seconds) { return left + seconds / end_s * width; };
    const auto y = [=](double v) { return top + height / 2.0 * (1.0 - std::clamp(v / limit, -1.0, 1.0)); };
    std::fprintf(file, "<text x='%g' y='%g'>%s</text>\n", left, top - 8.0, title);
    for (const double part : {-1.0, -0.5, 0.0, 0.5, 1.0})
        std::fprintf(file,
                     "<path d='M%g %gH%g' stroke='#ccc'/><text x='%g' y='%g' text-anchor='end'>%g</text>\n",
                     left, y(part * limit), left + width, left - 6.0, y(part * limit) + 4.0, part * limit);
    for (double seconds = 0.0; seconds <= end_s; seconds += 10.0)
        std::fprintf(file, "<text x='%g' y='%g' text-anchor='middle'>%g s</text>\n", x(seconds),
                     top + height + 16.0, seconds);
    std::fprintf(file, "<polyline fill='none' stroke='%s' points='", colour);
    for (const Row& row : rows)
        std::fprintf(file, "%.1f,%.1f ", x(row.seconds), y(row.*value));
    std::fprintf(file, "'/>\n");
}

} // namespace

int main(int argc, char** argv) {
    const std::string folder = argc > 1 ? argv[1] : ".";
    const std::vector<Row> rows = run();
    std::FILE* const csv = std::fopen((folder + "/bridge.csv").c_str(), "w");
    std::FILE* const svg = std::fopen((folder + "/bridge.svg").c_str(), "w");
    if (csv == nullptr || svg == nullptr || rows.empty()) {
        std::fprintf(stderr, "bridge: cannot run, or cannot write to %s\n", folder.c_str());
        return 1;
    }
    std::fprintf(csv, "seconds,fill_minus_target_frames,ratio_ppm,true_drift_ppm\n");
    double worst = 0.0;
    for (const Row& row : rows) {
        std::fprintf(csv, "%.2f,%.3f,%.2f,%.0f\n", row.seconds, row.fill, row.ratio, row.drift);
        worst = std::max(worst, std::fabs(row.fill));
    }
    std::fprintf(svg,
                 "<svg xmlns='http://www.w3.org/2000/svg' width='1000' height='540' font-family='sans-serif' "
                 "font-size='12'>\n<rect width='1000' height='540' fill='white'/>\n");
    plot(svg, rows, &Row::fill, 30.0, 64.0,
         "fill level less its target, frames (quantum 256; xruns of 700 frames at 40 and 50 s)", "#06c");
    plot(svg, rows, &Row::ratio, 300.0, 6000.0,
         "ratio, ppm (the clocks: +1000, from 15 s on -1000, from 30 s on +1000)", "#c30");
    std::fprintf(svg, "</svg>\n");
    const bool written = std::fclose(csv) == 0 && std::fclose(svg) == 0;
    std::printf("fill within %.1f frames of its target (quantum 256); %s/bridge.csv, bridge.svg\n", worst,
                folder.c_str());
    return written ? 0 : 1;
}
