// SPDX-License-Identifier: Apache-2.0
import JSON
import Testing

@Suite struct JSONValueTests {
    private func root(_ text: String) throws -> JSONValue { try JSONDocument(text).root }

    @Test func aValueIsTakenApart() throws {
        let value = try root(#" {"list":[1,-2,"inf"], "a\u0062":{"deep":{"x":1.5}}, "yes":true, "no":false, "none":null, "twice":1, "twice":2} "#)
        #expect(try value.member("list").elements().prefix(2).map { element in try element.integer() } == [1, -2])
        #expect(try value.member("list").elements()[2].double() == .infinity)
        #expect(try value.member("ab").member("deep").member("x").float() == 1.5)
        #expect(try value.member("yes").boolean() && !value.member("no").boolean())
        #expect(try value.memberIfPresent("none") == nil && value.memberIfPresent("absent") == nil)
        #expect(try value.member("twice").integer() == 2)
        #expect(try value.members().map(\.key) == ["list", "ab", "yes", "no", "none", "twice", "twice"])
        #expect(try root(#"{"clip":{"low":0}}"#).enumerationCase().name == "clip")
    }

    @Test func escapesAreResolved() throws {
        #expect(try root(#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 ü""#).string() == "\"\\/\u{8}\u{C}\n\r\té😀 ü")
        #expect(try root(#""\ud83d \ude00 \ud83dx \ud83d\u0041""#).string() == "\u{FFFD} \u{FFFD} \u{FFFD}x \u{FFFD}A")
    }

    @Test func integersOf64BitsAreRead() throws {
        #expect(try root("9223372036854775807").integer() == .max)
        #expect(try root("-9223372036854775807").integer() == -.max)
        for text in ["9223372036854775808", "-9223372036854775808", "18446744073709551616", "1.0", "1e2", "\"1\""] {
            #expect(throws: JSONError.self, "\(text)") { try root(text).integer() }
        }
    }

    @Test func errorsSayWhatAndWhere() throws {
        let value = try root(#"{"nodes":[{"name":"a"},{"inputs":[1,"x"],"name":7}]}"#)
        let node = try value.member("nodes").elements()[1]
        #expect(throws: JSONError.self) { try node.member("name").string() }
        func text(_ body: () throws(JSONError) -> Void) -> String {
            do {
                try body()
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(text { () throws(JSONError) in _ = try node.member("name").string() } == "expected a string, found 7 at nodes.1.name")
        #expect(text { () throws(JSONError) in _ = try node.member("inputs").integers() } == "expected an integer, found string at nodes.1.inputs.1")
        #expect(text { () throws(JSONError) in _ = try node.member("outputs") } == "'outputs' is missing at nodes.1")
        #expect(text { () throws(JSONError) in _ = try value.member("nodes").member("x") } == "expected an object, found array at nodes")
        #expect(text { () throws(JSONError) in _ = try value.integer() } == "expected an integer, found object")
    }

    @Test(arguments: ["", " ", "{", "[", "[1,]", "{\"a\"}", "{\"a\":}", "{1:2}", "[1 2]", "tru", "nul", "\"\u{1}\"", "\"\\x\"", "\"\\u12g4\"", "[] []", "'a'"])
    func whatIsNotJSONIsRefused(_ text: String) {
        #expect(throws: JSONDocument.SyntaxError.self) { try JSONDocument(text) }
    }

    @Test func nestingIsBounded() throws {
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        _ = try JSONDocument(nested(JSONDocument.maximumDepth))
        #expect(throws: JSONDocument.SyntaxError.self) { try JSONDocument(nested(JSONDocument.maximumDepth + 1)) }
        #expect(throws: JSONDocument.SyntaxError.self) { try JSONDocument(String(repeating: "[", count: 100_000)) }
    }
}
