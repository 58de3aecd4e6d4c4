use super::*;

/// A notebook whose code cells have these sources.
fn text(sources: &[&str]) -> String {
    let cells: Vec<Value> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| {
            json!({ "cell_type": "code", "execution_count": 7, "id": format!("c{index}"), "metadata": {},
                    "outputs": [{ "name": "stdout", "output_type": "stream", "text": ["old\n"] }], "source": source })
        })
        .collect();
    json!({ "cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5 }).to_string()
}

fn read(text: &str) -> Result<Notebook, NotebookError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Notebook::read(file.path())
}

fn reason(text: &str) -> String {
    let error = read(text).unwrap_err().to_string();
    error
        .split_once(" is ")
        .map_or(error.clone(), |(_, reason)| reason.to_owned())
}

/// The error as the command line shows it.
fn chain(error: NotebookError) -> String {
    format!("{:#}", anyhow::Error::from(error))
}

fn with_metadata(metadata: Value) -> String {
    json!({ "cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5 }).to_string()
}

#[test]
fn code_cells_come_in_order_with_their_text_joined() {
    let text = r##"{"cells":[
        {"cell_type":"markdown","id":"m","metadata":{},"source":"# Title"},
        {"cell_type":"code","id":"a","metadata":{"tags":["x","raises-exception"]},"execution_count":null,"outputs":[],"source":["let x = 1;\n","x"]},
        {"cell_type":"code","id":"b","metadata":{},"execution_count":null,"outputs":[],"source":"2"}
    ],"metadata":{},"nbformat":4,"nbformat_minor":5}"##;
    let cells = read(text).unwrap().code_cells();
    assert_eq!(cells.len(), 2);
    assert_eq!(
        cells[0],
        CodeCell {
            index: 1,
            source: "let x = 1;\nx".into(),
            must_fail: true
        }
    );
    assert_eq!(
        cells[1],
        CodeCell {
            index: 2,
            source: "2".into(),
            must_fail: false
        }
    );
}

#[test]
fn unknown_fields_stay_in_their_place() {
    let text = "{\n \"zeta\": {\n  \"b\": 1.5,\n  \"a\": null\n },\n \"nbformat_minor\": 5,\n \"nbformat\": 4,\n \"metadata\": {\n  \"x\": \"ü\\u001b\"\n },\n \"cells\": [\n  {\n   \"source\": [],\n   \"own\": [\n    1\n   ],\n   \"metadata\": {},\n   \"id\": \"i\",\n   \"cell_type\": \"markdown\"\n  }\n ]\n}\n";
    assert_eq!(read(text).unwrap().to_text(), text);
}

#[test]
fn new_outputs_replace_those_of_earlier_runs() {
    let mut notebook = read(&text(&["1", "2"])).unwrap();
    notebook.clear_outputs();
    let cells = notebook.code_cells();
    notebook.fill(&cells[1], Some(2), json!([{ "output_type": "stream" }]));
    assert_eq!(notebook.json["cells"][0]["outputs"], json!([]));
    assert_eq!(notebook.json["cells"][0]["execution_count"], json!(null));
    assert_eq!(notebook.json["cells"][1]["execution_count"], json!(2));
    assert_eq!(
        notebook.json["cells"][1]["outputs"][0]["output_type"],
        "stream"
    );
}

#[test]
fn an_older_notebook_becomes_version_4_5_with_ids_that_differ() {
    let old = r#"{"metadata":{},"nbformat":4,"nbformat_minor":4,"cells":[
        {"cell_type":"markdown","metadata":{},"source":[]},
        {"cell_type":"code","execution_count":null,"metadata":{},"outputs":[],"source":[]}]}"#;
    let json = read(old).unwrap().json;
    assert_eq!(json["nbformat_minor"], 5);
    let ids: Vec<&str> = [0, 1]
        .map(|index| json["cells"][index]["id"].as_str().unwrap())
        .to_vec();
    assert!(
        ids.iter().all(|id| id.len() == CELL_ID_LEN) && ids[0] != ids[1],
        "{ids:?}"
    );
    let keys: Vec<_> = json["cells"][1].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "cell_type",
            "execution_count",
            "id",
            "metadata",
            "outputs",
            "source"
        ]
    );
}

#[test]
fn a_notebook_of_version_3_is_upgraded() {
    let old = r#"{"metadata":{"name":"old"},"nbformat":3,"nbformat_minor":0,"worksheets":[{"metadata":{},"cells":[
        {"cell_type":"code","collapsed":false,"input":["1 + 1"],"language":"rust","metadata":{},"outputs":[],"prompt_number":1}]}]}"#;
    let notebook = read(old).unwrap();
    assert_eq!(notebook.json["nbformat"], 4);
    assert_eq!(notebook.code_cells()[0].source, "1 + 1");
}

#[test]
fn a_file_that_is_no_notebook_is_refused_with_the_reason() {
    assert!(
        reason("# Title").starts_with("not a Jupyter notebook: expected value at line 1"),
        "{}",
        reason("# Title")
    );
    assert_eq!(
        reason("[1]"),
        "not a Jupyter notebook: it has no \"nbformat\""
    );
    assert_eq!(
        reason("{}"),
        "not a Jupyter notebook: it has no \"nbformat\""
    );
    let newer = r#"{"cells":[],"metadata":{},"nbformat":5,"nbformat_minor":0}"#;
    assert_eq!(
        reason(newer),
        "not a Jupyter notebook: Unsupported notebook version: 5.0"
    );
    assert!(reason(&text(&["1"]).replace("\"id\":\"c0\",", "\"id\":7,")).contains("at index 0"));
    assert!(reason(&text(&["1", "2"]).replace("c1", "c0")).contains("Duplicate Cell ID found: c0"));
}

#[test]
fn a_missing_file_is_named() {
    let error = chain(Notebook::read(Path::new("/nowhere/a.ipynb")).unwrap_err());
    assert!(
        error.starts_with("can't read the notebook /nowhere/a.ipynb: No such file"),
        "{error}"
    );
}

#[test]
fn a_notebook_for_another_language_is_refused() {
    let python = json!({ "kernelspec": { "display_name": "Python 3", "language": "python", "name": "python3" } });
    assert!(
        reason(&with_metadata(python))
            .starts_with("a notebook for python (kernel python3); corebook runs Rust")
    );
    let info = json!({ "language_info": { "name": "julia" } });
    assert!(reason(&with_metadata(info)).starts_with("a notebook for julia;"));
    let kernel = json!({ "kernelspec": { "display_name": "R", "name": "ir" } });
    assert!(reason(&with_metadata(kernel)).starts_with("a notebook for the kernel ir;"));
}

#[test]
fn a_notebook_for_rust_is_accepted_with_any_kernel_name() {
    for metadata in [
        json!({}),
        json!({ "kernelspec": { "display_name": "Class", "language": "rust", "name": "class-2026" } }),
        json!({ "kernelspec": { "display_name": "Rust", "language": "Rust", "name": "rust" } }),
        json!({ "kernelspec": { "display_name": "Rust (corebook)", "name": "corebook" } }),
    ] {
        assert!(read(&with_metadata(metadata.clone())).is_ok(), "{metadata}");
    }
}

#[test]
fn the_language_is_described_and_a_missing_kernelspec_added() {
    let Value::Object(info) = json!({ "version": "1.95.0", "name": "rust" }) else {
        unreachable!()
    };
    let mut notebook = read(&text(&[])).unwrap();
    notebook.set_language_info(&info);
    assert_eq!(
        notebook.json["metadata"].to_string(),
        r#"{"kernelspec":{"display_name":"Rust (corebook)","language":"rust","name":"corebook"},"language_info":{"name":"rust","version":"1.95.0"}}"#
    );
}

#[test]
fn writing_follows_links_and_keeps_permissions() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (
        folder.path().join("file.ipynb"),
        folder.path().join("link.ipynb"),
    );
    std::fs::write(&file, text(&["1"])).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let notebook = Notebook::read(&link).unwrap();
    notebook.write(&link).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), notebook.to_text());
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert!(link.is_symlink());
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        2,
        "nothing else is left"
    );
}

#[test]
fn a_place_that_can_not_be_written_is_detected() {
    let folder = tempfile::tempdir().unwrap();
    check_writable(&folder.path().join("new.ipynb")).unwrap();
    let error = chain(check_writable(&folder.path().join("none/new.ipynb")).unwrap_err());
    assert!(
        error.starts_with("can't write the notebook ") && error.contains("No such file"),
        "{error}"
    );
    assert!(chain(check_writable(folder.path()).unwrap_err()).contains("is a directory"));
}

#[test]
fn a_file_without_a_folder_is_in_the_current_one() {
    assert_eq!(folder_of(Path::new("a.ipynb")), Path::new("."));
    assert_eq!(folder_of(Path::new("b/a.ipynb")), Path::new("b"));
    assert_eq!(folder_of(Path::new("/a.ipynb")), Path::new("/"));
}

#[test]
fn an_empty_id_is_replaced_and_any_other_kept() {
    let mut json = json!({ "cells": [{ "id": "", "source": "" }, { "id": "kept", "source": "" }] });
    add_missing_ids(&mut json);
    assert_eq!(
        json["cells"][0]["id"].as_str().map(str::len),
        Some(CELL_ID_LEN)
    );
    assert_eq!(json["cells"][1]["id"], "kept");
}
