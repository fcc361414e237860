// SPDX-License-Identifier: Apache-2.0
internal import Demonstration

/// One diagram with its axes.
struct Panel {
    static let width = 420.0
    static let height = 330.0
    private static let left = 58.0
    private static let right = 400.0
    private static let top = 34.0
    private static let bottom = 262.0

    private let x: Axis
    private let y: Axis
    private var shapes: [String]

    init(_ title: String, x: Axis, y: Axis) {
        self.x = x
        self.y = y
        shapes = ["<text x=\"\(Self.left)\" y=\"18\" font-weight=\"600\" fill=\"#1f2328\">\(title.escaped)</text>"]
        for tick in y.ticks {
            let height = fixed(place(x.range.lowerBound, tick).y, 1)
            shapes.append("<line x1=\"\(Self.left)\" y1=\"\(height)\" x2=\"\(Self.right)\" y2=\"\(height)\" stroke=\"#eaeef2\"/>")
            shapes.append("<text x=\"\(Self.left - 6)\" y=\"\(height)\" dy=\"4\" text-anchor=\"end\">\(y.label(tick))</text>")
        }
        for tick in x.ticks {
            shapes.append("<text x=\"\(fixed(place(tick, y.range.lowerBound).x, 1))\" y=\"\(Self.bottom + 18)\" text-anchor=\"middle\">\(x.label(tick))</text>")
        }
        shapes.append("<text x=\"\((Self.left + Self.right) / 2)\" y=\"\(Self.bottom + 36)\" text-anchor=\"middle\">\(x.name.escaped)</text>")
        shapes.append("<text transform=\"translate(14 \((Self.top + Self.bottom) / 2)) rotate(-90)\" text-anchor=\"middle\">\(y.name.escaped)</text>")
        shapes.append("<line x1=\"\(Self.left)\" y1=\"\(Self.bottom)\" x2=\"\(Self.right)\" y2=\"\(Self.bottom)\" stroke=\"#8c959f\"/>")
    }

    /// Both axes linear, from shares to large numbers.
    init(_ title: String, x: ClosedRange<Double>, y: ClosedRange<Double>, xName: String, yName: String) {
        self.init(title, x: Axis(xName, x), y: Axis(yName, y))
    }

    var body: String { shapes.joined(separator: "\n") }

    private func place(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
        (Self.left + (Self.right - Self.left) * self.x.place(x), Self.bottom - (Self.bottom - Self.top) * self.y.place(y))
    }

    /// A stripe over the whole height, behind what is drawn after it.
    mutating func band(_ range: ClosedRange<Double>, color: String, letter: String) {
        let (start, end) = (place(range.lowerBound, 0).x, place(range.upperBound, 0).x)
        shapes.append(
            "<rect x=\"\(fixed(start, 1))\" y=\"\(Self.top)\" width=\"\(fixed(max(end - start, 0), 1))\" height=\"\(Self.bottom - Self.top)\" fill=\"\(color)\" fill-opacity=\"0.16\"/>")
        guard end - start > 12 else { return }
        shapes.append("<text x=\"\(fixed((start + end) / 2, 1))\" y=\"\(Self.top + 12)\" text-anchor=\"middle\" font-size=\"11\" font-weight=\"600\" fill=\"\(color)\">\(letter)</text>")
    }

    mutating func line(_ points: [(Double, Double)], color: String, dashes: Bool = false) {
        let places = points.map { place($0.0, $0.1) }.map { "\(fixed($0.x, 1)),\(fixed($0.y, 1))" }.joined(separator: " ")
        shapes.append("<polyline fill=\"none\" stroke=\"\(color)\" stroke-width=\"1.8\"\(dashes ? " stroke-dasharray=\"5 4\"" : "") points=\"\(places)\"/>")
    }

    mutating func dot(_ point: (Double, Double), color: String) {
        let place = place(point.0, point.1)
        shapes.append("<circle cx=\"\(fixed(place.x, 1))\" cy=\"\(fixed(place.y, 1))\" r=\"4\" fill=\"\(color)\" stroke=\"#ffffff\"/>")
    }

    mutating func bar(_ range: ClosedRange<Double>, from low: Double, to high: Double, color: String) {
        guard high > low else { return }
        let (start, end) = (place(range.lowerBound, high), place(range.upperBound, low))
        shapes.append(
            "<rect x=\"\(fixed(start.x + 1, 1))\" y=\"\(fixed(start.y, 1))\" width=\"\(fixed(max(end.x - start.x - 2, 1), 1))\" height=\"\(fixed(max(end.y - start.y, 0.5), 1))\" fill=\"\(color)\"/>")
    }

    mutating func legend(_ entries: [(String, String)]) {
        var start = Self.left
        for (name, color) in entries {
            shapes.append("<rect x=\"\(fixed(start, 1))\" y=\"\(Self.bottom + 48)\" width=\"10\" height=\"10\" rx=\"2\" fill=\"\(color)\"/>")
            shapes.append("<text x=\"\(fixed(start + 15, 1))\" y=\"\(Self.bottom + 57)\" font-size=\"11\">\(name.escaped)</text>")
            start += 32 + Double(name.count) * 6
        }
    }
}
