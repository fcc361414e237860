// SPDX-License-Identifier: Apache-2.0
internal import Packing

extension Plan {
    /// The plan that a text like its description says: `exit 0 ≥ 0.93, send cut 17 as 4 bits, symbols, on to exit 1 ≥ 0.9`; thresholds may have any number of digits.
    ///
    /// - Returns: `nil` where the text says no plan.
    package init?(_ text: String) {
        var words = Words(text)
        self.init()
        while words.take("exit") {
            guard let gate = words.gate() else { return nil }
            gates.append(gate)
        }
        if words.take("send") {
            guard let upload = words.upload() else { return nil }
            self.upload = upload
            if words.take("on") {
                guard words.take("to"), words.take("exit"), let gate = words.gate() else { return nil }
                insurance = gate
            }
        } else if !words.take("end") {
            return nil
        }
        guard words.isEmpty else { return nil }
    }

    /// Whether a network with this table can be run so.
    package func fits(_ table: CalibrationTable) -> Bool {
        let exits = (gates + [insurance].compactMap(\.self)).map(\.exit)
        guard exits.allSatisfy(table.exits.indices.contains), zip(exits, exits.dropFirst()).allSatisfy({ $0 < $1 }) else { return false }
        guard let upload else { return insurance == nil }
        guard table.sent.contains(where: { $0.upload == upload }) else { return false }
        // What crosses a cut is gone once the board has passed it; the frame itself isn't.
        let isBefore = { (gate: Gate) in upload.cut == 0 || table.exits[gate.exit].position <= upload.cut }
        return gates.allSatisfy(isBefore) && insurance.map { table.exits[$0.exit].position >= upload.cut } ?? true
    }
}

/// The words of a text that are left, without commas.
private struct Words {
    private var words: ArraySlice<Substring>

    init(_ text: String) { words = text.split(separator: " ").map { $0.last == "," ? $0.dropLast() : $0 }[...] }

    var isEmpty: Bool { words.isEmpty }

    mutating func take(_ word: String) -> Bool {
        guard words.first.map({ $0 == word }) ?? false else { return false }
        words.removeFirst()
        return true
    }

    mutating func number<Number: LosslessStringConvertible>(_: Number.Type) -> Number? {
        guard let number = words.first.flatMap({ Number(String($0)) }) else { return nil }
        words.removeFirst()
        return number
    }

    /// `0 ≥ 0.93`
    mutating func gate() -> Plan.Gate? {
        guard let exit = exit(), take("≥"), let threshold = number(Double.self), !threshold.isNaN else { return nil }
        return Plan.Gate(exit: exit, threshold: threshold)
    }

    /// `cut 17 as 4 bits symbols for exit 1`
    mutating func upload() -> Upload? {
        guard take("cut"), let cut = number(Int.self), cut >= 0, take("as"), let payload = payload() else { return nil }
        guard take("for") else { return Upload(cut: cut, payload: payload) }
        guard take("exit"), let exit = exit() else { return nil }
        return Upload(cut: cut, payload: payload, exit: exit)
    }

    private mutating func exit() -> Int? {
        number(Int.self).flatMap { $0 >= 0 ? $0 : nil }
    }

    private mutating func payload() -> Payload? {
        if take("PNG") { return .png }
        if take("JPEG") { return number(UInt8.self).map { .jpeg(quality: $0) } }
        if take("floats") { return .floats }
        guard let bits = number(UInt8.self), QuantizedActivation.permittedBits.contains(Int(bits)), take("bits"),
            let form = PackingForm.allCases.first(where: { "\($0)" == words.first ?? "" })
        else { return nil }
        words.removeFirst()
        return .tensors(bits: bits, form)
    }
}
