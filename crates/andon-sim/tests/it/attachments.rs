//! Attachments: raw bytes with headers.

use andon_sim::SimulatorConfig;
use reqwest::Response;

use crate::client::World;

const SERVICE: &str = "/sap/opu/odata/sap/API_CV_ATTACHMENT_SRV/";
/// `echo -n picture | sha256sum`
const DIGEST: &str = "2cea274d0bedc39ec4ab6ba9e59ec889e3ed6fb56a1cf088a64d9b383378dc97";

async fn upload(world: &World, headers: &[(&str, &str)], body: Vec<u8>) -> Response {
    let request = world.request("POST", &format!("{SERVICE}AttachmentContentSet")).body(body);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

const OBJECT: [(&str, &str); 4] = [
    ("Content-Type", "image/jpeg"),
    ("Slug", "board%2042.jpg"),
    ("BusinessObjectTypeName", "QFGEN"),
    ("LinkedSAPObjectKey", "$00000000057"),
];

#[tokio::test]
async fn a_picture_is_attached_listed_and_read_back() {
    let world = World::new().await;
    let answer = upload(&world, &OBJECT, b"picture".to_vec()).await;
    assert_eq!(answer.status(), 201);
    let d = answer.json::<serde_json::Value>().await.unwrap()["d"].take();
    assert_eq!((&d["FileName"], &d["FileSize"]), (&"board 42.jpg".into(), &"7".into()));
    assert_eq!(d["__metadata"]["content_type"], "image/jpeg");
    let source = d["__metadata"]["media_src"].as_str().unwrap().strip_prefix(&world.sap.base_url()).unwrap();
    let content = world.request("GET", source).send().await.unwrap();
    assert_eq!(content.headers()["content-type"], "image/jpeg");
    assert_eq!(content.bytes().await.unwrap().as_ref(), b"picture");
    let of = |key: &str| format!("?BusinessObjectTypeName='QFGEN'&LinkedSAPObjectKey='{key}'&SemanticObject=''");
    let (_, listed) = world.get(&format!("{SERVICE}GetAllOriginals{}", of("%2400000000057"))).await;
    assert_eq!(listed["d"]["results"][0]["FileName"], "board 42.jpg");
    let (_, none) = world.get(&format!("{SERVICE}GetAllOriginals{}", of("%2400000000058"))).await;
    assert_eq!(none["d"]["results"].as_array().unwrap().len(), 0);
    let (_, count) = world.get(&format!("{SERVICE}GetAttachmentCount{}", of("%2400000000057"))).await;
    assert_eq!(count["d"]["GetAttachmentCount"]["AttachmentCount"], 1);
}

#[tokio::test]
async fn the_books_tell_digest_size_and_object() {
    let world = World::new().await;
    upload(&world, &OBJECT, b"picture".to_vec()).await;
    let books = world.sap.books_for("QFGEN/$00000000057/board 42.jpg");
    let told = books.documents[0].attachment.clone().unwrap();
    assert_eq!((told.bytes, told.object_type.as_str(), told.object_key.as_str()), (7, "QFGEN", "$00000000057"));
    assert_eq!(told.sha256, DIGEST);
    upload(&world, &OBJECT, b"again".to_vec()).await;
    assert_eq!(world.sap.books().duplicates.len(), 1, "the same name at the same object twice");
}

#[tokio::test]
async fn uploads_are_checked() {
    let world = World::with(SimulatorConfig { max_attachment_bytes: 10, max_content_bytes: 12, ..Default::default() });
    let world = world.await;
    assert_eq!(upload(&world, &OBJECT[..3], vec![1]).await.status(), 400, "no object key");
    assert_eq!(upload(&world, &OBJECT[2..], vec![1]).await.status(), 400, "no name");
    let long = upload(&world, &OBJECT, vec![0; 11]).await;
    assert_eq!(long.status(), 413);
    assert!(long.text().await.unwrap().contains("larger than the maximum of 10 bytes"));
    assert_eq!(upload(&world, &OBJECT, vec![0; 10]).await.status(), 201);
    assert_eq!(upload(&world, &OBJECT, vec![0; 3]).await.status(), 507, "the books are full");
    assert_eq!(world.get(&format!("{SERVICE}AttachmentContentSet")).await.0, 501);
    assert_eq!(world.get(&format!("{SERVICE}GetAllOriginals?LinkedSAPObjectKey='1'")).await.0, 400);
}
