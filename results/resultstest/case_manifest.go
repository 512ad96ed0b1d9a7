package resultstest

var manifestCases = []testCase{
	{"manifests are numbered, and one is active", func(b *bench) {
		b.shop()
		manifest := object{"manifest": object{"title": "Shop"}, "by": "ann"}
		same(b, "first", b.doAs("1", "manifest.store", manifest)["version"], 1.0)
		same(b, "second", b.doAs("2", "manifest.store", manifest)["version"], 2.0)
		same(b, "replay", b.doAs("2", "manifest.store", manifest)["version"], 2.0)
		got := b.doAs("a", "manifest.activate", object{"version": 1})
		same(b, "activated", got, object{"version": 1.0, "was": "draft", "earlier": nil})
		got = b.doAs("b", "manifest.activate", nil)
		same(b, "the newest", got, object{"version": 2.0, "was": "draft", "earlier": 1.0})
		got = b.doAs("c", "manifest.activate", object{"version": 1})
		same(b, "back", got, object{"version": 1.0, "was": "deprecated", "earlier": 2.0})
	}},
	{"an undone activation gives the earlier one its place back", func(b *bench) {
		b.shop()
		manifest := object{"manifest": object{}}
		b.doAs("1", "manifest.store", manifest)
		b.doAs("2", "manifest.store", manifest)
		b.doAs("a", "manifest.activate", object{"version": 1})
		b.doAs("b", "manifest.activate", object{"version": 2})
		b.undoAs("b", "manifest.activate", object{"version": 2})
		got := b.doAs("c", "manifest.activate", object{"version": 2})
		same(b, "again", got, object{"version": 2.0, "was": "draft", "earlier": 1.0})
	}},
	{"an undone activation leaves alone what came after it", func(b *bench) {
		b.shop()
		manifest := object{"manifest": object{}}
		b.doAs("1", "manifest.store", manifest)
		b.doAs("2", "manifest.store", manifest)
		b.doAs("a", "manifest.activate", object{"version": 1})
		b.doAs("b", "manifest.activate", object{"version": 2})
		b.undoAs("a", "manifest.activate", object{"version": 1})
		got := b.doAs("c", "manifest.activate", object{"version": 1})
		same(b, "then", got, object{"version": 1.0, "was": "deprecated", "earlier": 2.0})
	}},
	{"an undone manifest is gone", func(b *bench) {
		b.shop()
		manifest := object{"manifest": object{}}
		b.doAs("1", "manifest.store", manifest)
		b.undoAs("1", "manifest.store", manifest)
		b.refused("a", "manifest.activate", object{"version": 1}, "version")
		b.refused("b", "manifest.activate", nil, "version")
	}},
	{"a manifest is an object, and of a service", func(b *bench) {
		b.reserved()
		b.refused("a", "manifest.store", object{"manifest": object{}}, "schema")
		b.do("service.register", object{"name": "Shop"})
		b.refused("b", "manifest.store", object{"manifest": "x"}, "manifest")
		b.refused("c", "manifest.store", nil, "manifest")
	}},
}
