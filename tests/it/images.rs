//! Images of containers: each layer is opened and told, also what a later layer takes away, and so is the configuration.

use crate::packed::{digest, gzip, tar, zstd};
use crate::world::{Ended, World, token};
use serde_json::{Value, json};

/// An image of three layers; the third takes away what the first holds.
struct Image {
    layers: [Vec<u8>; 3],
    config: Vec<u8>,
}

fn image() -> Image {
    let layers = [
        tar(&[("etc/app.env", format!("KEY={}\n", token(1)).as_bytes())]),
        tar(&[("srv/conf.yml", format!("a: b\nkey: {}\n", token(2)).as_bytes())]),
        tar(&[("etc/.wh.app.env", b"")]),
    ];
    let ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", digest(layer))).collect();
    let config = json!({
        "config": { "Env": [format!("API_KEY={}", token(3))], "Labels": { "x": "y" } },
        "history": [{ "created_by": format!("RUN curl -H 'X-Key: {}' https://example.org", token(4)) }],
        "rootfs": { "type": "layers", "diff_ids": ids },
    });
    Image { layers, config: config.to_string().into_bytes() }
}

/// As `docker save` wrote it before version 25.
fn docker(image: &Image) -> Vec<u8> {
    let config = format!("{}.json", digest(&image.config));
    let names: Vec<String> = (1..=3).map(|number| format!("{}/layer.tar", digest(&[number]))).collect();
    let manifest = json!([{ "Config": config, "RepoTags": ["app:1.2"], "Layers": names }]).to_string();
    let mut members: Vec<(&str, &[u8])> =
        names.iter().map(String::as_str).zip(image.layers.iter().map(Vec::as_slice)).collect();
    members.push((&config, &image.config));
    members.push(("manifest.json", manifest.as_bytes()));
    tar(&members)
}

/// The files of an OCI layout, its layers packed in different ways; the last is left out when `cut`.
fn oci(image: &Image, cut: bool) -> Vec<(String, Vec<u8>)> {
    let layers = [gzip(&image.layers[0]), zstd(&image.layers[1]), image.layers[2].clone()];
    let blob = |bytes: &[u8]| format!("sha256:{}", digest(bytes));
    let named: Vec<Value> = layers.iter().map(|layer| json!({ "digest": blob(layer) })).collect();
    let manifest = json!({ "config": { "digest": blob(&image.config) }, "layers": named }).to_string().into_bytes();
    let name = json!({ "org.opencontainers.image.ref.name": "app:1.2" });
    let gone = format!("sha256:{}", digest(b"another machine's"));
    let index = json!({ "manifests": [{ "digest": blob(&manifest), "annotations": name }, { "digest": gone }] });
    let kept = if cut { &layers[..2] } else { &layers[..] };
    let blobs = kept.iter().chain([&image.config, &manifest]);
    let mut files: Vec<_> = blobs.map(|bytes| (format!("blobs/sha256/{}", digest(bytes)), bytes.clone())).collect();
    files.push(("index.json".into(), index.to_string().into_bytes()));
    files.push(("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()));
    files
}

fn packed(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let members: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    tar(&members)
}

/// Each place, with its layer.
fn places(ended: &Ended) -> Vec<(String, Value)> {
    let report = ended.json();
    let findings = report["findings"].as_array().unwrap().iter();
    let occurrences = findings.flat_map(|one| one["occurrences"].as_array().unwrap());
    let mut all: Vec<_> =
        occurrences.map(|one| (one["path"].as_str().unwrap().to_owned(), one["layer"].clone())).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn find<'p>(places: &'p [(String, Value)], end: &str) -> &'p (String, Value) {
    places.iter().find(|(path, _)| path.ends_with(end)).unwrap_or_else(|| panic!("{end} in {places:?}"))
}

#[test]
fn what_docker_saves() {
    let (world, image) = (World::new(), image());
    world.write("app.tar", docker(&image));
    world.write("packed.tgz", gzip(&docker(&image)));
    for name in ["app.tar", "packed.tgz"] {
        let ended = world.stanch(&["scan", "--format", "json", name]);
        let found = places(&ended);
        assert_eq!((found.len(), ended.json()["complete"].as_bool()), (4, Some(true)), "{found:?}");
        let (path, layer) = find(&found, "!/etc/app.env");
        assert_eq!(*path, format!("{name}!/{}/layer.tar!/etc/app.env", digest(&[1])));
        let first = format!("sha256:{}", digest(&image.layers[0]));
        assert_eq!(*layer, json!({ "image": "app:1.2", "number": 1, "of": 3, "digest": first }));
        assert_eq!(find(&found, "conf.yml").1["number"], 2);
        let (path, layer) = find(&found, ".json");
        assert_eq!((path.as_str(), layer.is_null()), (&*format!("{name}!/{}.json", digest(&image.config)), true));
    }
    let text = world.stanch(&["scan", "app.tar"]).stdout;
    let told = format!("in layer 1 of 3 of app:1.2 (sha256:{})", &digest(&image.layers[0])[..12]);
    assert!(text.contains(&told), "{text}");
    // Through a pipe nothing can be gone through beforehand; what lies there is found all the same.
    let ended = world.stanch_fed(&["scan", "--format", "json", "-"], &docker(&image));
    assert_eq!(places(&ended).len(), 4);
}

#[test]
fn an_oci_layout_as_a_file_and_as_a_folder() {
    let (world, image) = (World::new(), image());
    let files = oci(&image, false);
    world.write("oci.tar", packed(&files));
    files.iter().for_each(|(name, bytes)| world.write(&format!("oci/{name}"), bytes));
    for (name, inner) in [("oci.tar", "oci.tar!/"), ("oci", "oci/")] {
        let ended = world.stanch(&["scan", "--format", "json", name]);
        let found = places(&ended);
        assert_eq!((found.len(), ended.json()["skipped"].clone()), (4, json!([])), "{found:?}");
        for (number, layer, end) in
            [(1, gzip(&image.layers[0]), "etc/app.env"), (2, zstd(&image.layers[1]), "srv/conf.yml")]
        {
            let digest = digest(&layer);
            let (path, told) = find(&found, end);
            assert_eq!(*path, format!("{inner}blobs/sha256/{digest}!/{end}"));
            let want = json!({ "image": "app:1.2", "number": number, "of": 3, "digest": format!("sha256:{digest}") });
            assert_eq!(*told, want);
        }
    }
}

#[test]
fn a_layer_that_is_not_there_is_told() {
    let (world, image) = (World::new(), image());
    let files = oci(&image, true);
    world.write("oci.tar", packed(&files));
    files.iter().for_each(|(name, bytes)| world.write(&format!("oci/{name}"), bytes));
    let lost = digest(&image.layers[2]);
    for (name, what) in
        [("oci.tar", format!("oci.tar!/blobs/sha256/{lost}")), ("oci", format!("oci/blobs/sha256/{lost}"))]
    {
        let report = world.stanch(&["scan", "--format", "json", name]).json();
        let skipped = report["skipped"].as_array().unwrap();
        assert_eq!(skipped.len(), 1, "{skipped:?}");
        assert_eq!((&skipped[0]["what"], &skipped[0]["why"]), (&json!(what), &json!("absent")));
        assert!(skipped[0]["detail"].as_str().unwrap().starts_with("layer 3 of 3 of app:1.2"));
    }
}

#[test]
fn manifests_that_lie_are_harmless() {
    let world = World::new();
    let odd = json!([{ "Config": "../../etc/passwd", "RepoTags": [7, "\u{1b}[2J"], "Layers": ["../../x", 5, "manifest.json"] }]);
    let index = json!({ "manifests": [{ "digest": "sha256:../../x" }, { "digest": 5 }, { "digest": "x" }] });
    let key = format!("KEY={}\n", token(1));
    let text = [odd.to_string(), index.to_string()];
    world.write(
        "a.tar",
        tar(&[("manifest.json", text[0].as_bytes()), ("index.json", text[1].as_bytes()), ("a", key.as_bytes())]),
    );
    let ended = world.stanch(&["scan", "--format", "json", "a.tar"]);
    assert_eq!((places(&ended)[0].0.as_str(), ended.code), ("a.tar!/a", 1));
}
