//! Rows of what administrators write, and of what members do with it.

use club::tags::Action::{
    AchievementUnlock, ContentUpdate, CourseUpdate, EnergiesChange, FavoriteSet, LessonUpdate,
    MeditationSession, MeditationUpdate, Progress, StreamAttend, XpChange,
};
use serde_json::json;

use super::rows::{Row, act};
use super::scene::Who;

const PUT: &[&str] = &["club-admin-content-put"];
const DELETE: &[&str] = &["club-admin-content-delete"];
const VIDEO: &str = "https://video.example.com/posture";

pub fn rows() -> Vec<Row> {
    vec![
        Row::new("course.update", &[CourseUpdate], PUT, act!(scene => {
            scene.writes("course", "sleep", json!({ "title": "Крепкий сон", "category": "health" })).await
        }))
        .shows(Who::Anna, &["/api/v1/courses", "/api/v1/courses/{id}"])
        .shows(Who::Vera, &["/api/v1/courses", "/api/v1/courses/{id}"]),
        Row::new("lesson.update", &[LessonUpdate], PUT, act!(scene => {
            let day = json!({ "courseId": "sleep", "dayNumber": 1, "title": "Первый день" });
            scene.writes("course-day", "sleep-1", day).await
        }))
        .shows(Who::Vera, &["/api/v1/courses/{id}"]),
        Row::new("meditation.update", &[MeditationUpdate], PUT, act!(scene => {
            let audio = "https://audio.example.com/morning";
            let fields = json!({ "title": "Раннее утро", "duration": 300, "audioUrl": audio });
            scene.writes("meditation", "morning", fields).await
        }))
        .shows(Who::Vera, &["/api/v1/meditations", "/api/v1/meditations/{id}"]),
        Row::new("other content: an item", &[ContentUpdate], PUT, act!(scene => {
            let fields = json!({
                "type": "course", "title": "Голос и тело", "monthProgram": true, "programMonth": "2026-01",
            });
            scene.writes("content-item", "voice", fields).await
        }))
        .shows(Who::Vera, &["/api/v1/content/items",
            "/api/v1/content/items/{id}",
            "/api/v1/content/month-program",
        ]),
        Row::new("other content: a section", &[ContentUpdate], PUT, act!(scene => {
            let fields = json!({ "contentItemId": "voice", "title": "Основа" });
            scene.writes("section", "one", fields).await
        }))
        .shows(Who::Vera, &["/api/v1/content/{itemId}/sections"]),
        Row::new("other content: a video", &[ContentUpdate], PUT, act!(scene => {
            let fields = json!({ "contentSectionId": "one", "title": "Стойка", "videoUrl": VIDEO });
            scene.writes("video", "posture", fields).await
        }))
        .shows(Who::Vera, &[
            "/api/v1/content/videos/{id}",
            "/api/v1/content/{itemId}/videos",
            "/api/v1/content/sections/{id}/videos",
        ]),
        Row::new("other content: a timecode", &[ContentUpdate], PUT, act!(scene => {
            let fields = json!({ "videoId": "posture", "timeSeconds": 0, "title": "Вступление" });
            scene.writes("timecode", "start", fields).await
        }))
        .shows(Who::Vera, &["/api/v1/content/videos/{id}"]),
        Row::new("other content: a practice", &[ContentUpdate], PUT, act!(scene => {
            let fields =
                json!({ "contentItemId": "voice", "contentType": "markdown", "content": "Выдох" });
            scene.writes("practice", "breath", fields).await
        }))
        .shows(Who::Vera, &["/api/v1/content/practices/{id}/content"]),
        Row::new("other content: a stream", &[ContentUpdate], PUT, act!(scene => {
            let fields = json!({
                "title": "Тёплый вечер", "scheduledAt": "2026-01-10T18:00:00Z",
                "status": "completed", "videoUrl": VIDEO,
            });
            scene.writes("stream", "one", fields).await
        }))
        .shows(Who::Vera, &["/api/streams", "/api/streams/{id}"]),
        Row::new("other content: a stream is announced", &[ContentUpdate], &["club-streams-create"],
            act!(scene => {
                let fields = json!({ "title": "Скоро", "scheduledAt": "2026-02-10T18:00:00Z" });
                let made = scene.office("POST", "/api/streams", &fields).await.ok();
                scene.note("stream", made["stream"]["id"].as_str().unwrap())
            }))
        .shows(Who::Vera, &["/api/streams", "/api/streams/upcoming", "/api/streams/next"]),
        Row::new("other content: a stream begins", &[ContentUpdate], &["club-streams-status"],
            act!(scene => {
                let path = format!("/api/streams/{}/status", scene.noted("stream"));
                scene.office("PATCH", &path, &json!({ "status": "live" })).await.ok()
            }))
        .shows(Who::Vera, &["/api/streams", "/api/streams/upcoming", "/api/streams/next"]),
        Row::new("other content: an achievement", &[ContentUpdate], PUT, act!(scene => {
            let condition = json!({ "type": "experience", "value": 9_999 });
            let fields = json!({ "title": "Сто", "xpReward": 5, "condition": condition });
            scene.writes("achievement", "hundred", fields).await
        }))
        .shows(Who::Vera, &["/api/v1/gamification/achievements"]),
    ]
}

/// Rows of what is taken away.
pub fn removals() -> Vec<Row> {
    vec![
        Row::new(
            "course.update: deleted",
            &[CourseUpdate],
            DELETE,
            act!(
                scene => scene.deletes("course", "walk").await
            ),
        )
        .shows(Who::Vera, &["/api/v1/courses"]),
        Row::new(
            "lesson.update: deleted",
            &[LessonUpdate],
            DELETE,
            act!(
                scene => scene.deletes("course-day", "sleep-2").await
            ),
        )
        .after(act!(scene => {
            let day = json!({ "courseId": "sleep", "dayNumber": 2, "title": "День" });
            scene.writes("course-day", "sleep-2", day).await
        }))
        .shows(Who::Vera, &["/api/v1/courses/{id}"]),
        Row::new(
            "meditation.update: deleted",
            &[MeditationUpdate],
            DELETE,
            act!(
                scene => scene.deletes("meditation", "evening").await
            ),
        )
        .shows(Who::Vera, &["/api/v1/meditations"]),
        Row::new(
            "other content: deleted",
            &[ContentUpdate],
            DELETE,
            act!(
                scene => scene.deletes("timecode", "end").await
            ),
        )
        .shows(Who::Vera, &["/api/v1/content/videos/{id}"]),
    ]
}

/// Rows of what members do.
pub fn learning() -> Vec<Row> {
    vec![
        Row::new(
            "favorite.set",
            &[FavoriteSet],
            &["club-courses-favorite"],
            act!(scene => {
                let body = json!({ "favorite": true });
                scene.anna().post("/api/v1/courses/sleep/favorite", &body).await.ok()
            }),
        )
        .of(&[Who::Anna])
        .shows(Who::Anna, &["/api/v1/courses/favorites/list", "/api/v1/courses/{id}"]),
        Row::new(
            "progress.* in a course",
            &[Progress, EnergiesChange, XpChange, AchievementUnlock],
            &["club-courses-progress"],
            act!(scene => {
                let body = json!({ "completedDay": 1 });
                scene.anna().post("/api/v1/courses/sleep/progress", &body).await.ok()
            }),
        )
        .of(&[Who::Anna])
        .shows(
            Who::Anna,
            &[
                "/api/v1/courses/{id}",
                "/api/v1/energies/balance",
                "/api/v1/gamification/xp-history",
                "/api/v1/gamification/achievements",
            ],
        ),
        Row::new(
            "progress.* of a video",
            &[Progress, EnergiesChange, XpChange, AchievementUnlock],
            &["club-content-complete"],
            act!(scene => {
                let body = json!({ "videoId": "posture", "watchTimeSeconds": 60 });
                scene.anna().post("/api/v1/content/progress/complete", &body).await.ok()
            }),
        )
        .of(&[Who::Anna])
        .shows(
            Who::Anna,
            &[
                "/api/v1/content/progress",
                "/api/v1/content/progress/stats",
                "/api/v1/energies/balance",
            ],
        ),
        Row::new(
            "meditation.session",
            &[MeditationSession, XpChange, AchievementUnlock],
            &["club-meditations-session"],
            act!(scene => {
                let body = json!({ "durationListened": 300, "completed": true });
                scene.anna().post("/api/v1/meditations/morning/session", &body).await.ok()
            }),
        )
        .of(&[Who::Anna])
        .shows(
            Who::Anna,
            &[
                "/api/v1/meditations/history/list",
                "/api/v1/meditations/stats/summary",
                "/api/v1/gamification/stats",
                "/api/v1/gamification/achievements",
            ],
        ),
        Row::new(
            "stream.attend",
            &[StreamAttend, EnergiesChange, XpChange, AchievementUnlock],
            &["club-streams-attend"],
            act!(scene => {
                let body = json!({ "watchedOnline": false });
                scene.anna().post("/api/streams/one/attend", &body).await.ok()
            }),
        )
        .of(&[Who::Anna])
        .shows(
            Who::Anna,
            &[
                "/api/streams/attendance/my",
                "/api/streams/attendance/stats",
                "/api/streams/attendance",
                "/api/streams",
                "/api/v1/energies/balance",
            ],
        ),
        Row::new(
            "stream.attend by its id",
            &[StreamAttend, EnergiesChange, XpChange, AchievementUnlock],
            &["club-streams-attend-named"],
            act!(scene => {
                let body = json!({ "streamId": "two" });
                scene.anna().post("/api/streams/attendance", &body).await.ok()
            }),
        )
        .of(&[Who::Anna])
        .shows(Who::Anna, &["/api/streams/attendance/my", "/api/v1/energies/balance"]),
    ]
}
