//! What a new club begins with under the local stack.

use super::*;

const CONTENT: &str = include_str!("../../../../../infra/local/src/newcomer/content.json");

#[tokio::test]
async fn whoever_looks_around_for_the_first_time_finds_something_everywhere() {
    let library = Library::open().await;
    let content: Vec<(String, String, Value)> = serde_json::from_str(CONTENT).unwrap();
    for (kind, id, fields) in content {
        library.put(&kind, &id, fields).await;
    }
    let courses = library.body(courses(), "/api/v1/courses", ANNA).await;
    assert_eq!(ids(&courses["courses"]), ["sleep", "attention"]);
    for (id, days) in [("sleep", 3), ("attention", 2)] {
        let one = library.body(course(), &format!("/api/v1/courses/{id}"), ANNA).await;
        assert_eq!(one["days"].as_array().unwrap().len(), days);
    }
    let found = library.body(meditations(), "/api/v1/meditations", ANNA).await;
    assert_eq!(found["meditations"].as_array().unwrap().len(), 3);
    let found = library.body(items(), "/api/v1/content/items", ANNA).await;
    assert_eq!(ids(&found["items"]), ["voice", "letter", "evening-talk"]);
    let found = library.body(item_videos(), "/api/v1/content/voice/videos", ANNA).await;
    assert_eq!(ids(&found["videos"]), ["voice-posture", "voice-humming"]);
    let found = library.body(video(), "/api/v1/content/videos/voice-posture", ANNA).await;
    assert_eq!(found["timecodes"].as_array().unwrap().len(), 2);
    library.body(practice(), "/api/v1/content/practices/letter/content", ANNA).await;
    let shop = library.body(crate::shop::items(), "/api/v1/shop/items", ANNA).await;
    assert_eq!(shop["items"].as_array().unwrap().len(), 3);
    let streams = library.body(crate::streams::list(), "/api/streams", ANNA).await;
    assert_eq!(ids(&streams["streams"]), ["first-meeting"]);
    assert_eq!(library.watch("voice-posture", ANNA).await.body["energiesEarned"], 20);
}
